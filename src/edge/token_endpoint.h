// The token endpoint, as RFC 7523 and Google's clients have it.
#pragma once

#include <vector>

#include "base/clock.h"
#include "edge/accounts.h"
#include "edge/http_handler.h"

namespace trainyard::edge {

// Two open routes, "/token" and "/oauth2/v4/token" (where older clients look for it): a POST of
// grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer and an assertion gives an access token.
// Errors are OAuth's. At most 200 requests a second, 400 at once: over, 429 and the clients come
// again. References outlive the routes.
std::vector<HttpRoute> TokenRoutes(AccountRegistry& accounts, const base::Clock& clock);

}  // namespace trainyard::edge
