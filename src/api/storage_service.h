// The object store over HTTP: Cloud Storage's JSON API, as Google's clients use it.
//
// Served: buckets (insert, get, list, patch, update, delete, getIamPolicy, setIamPolicy,
// testIamPermissions, getStorageLayout) and objects (insert by media, multipart and resumable
// upload; get, download with ranges, list, patch, update, delete, compose, copy, rewrite, move).
// Access is by the roles of this server's accounts; a bucket's policy is kept and given back. What
// would silently not hold (encryption keys of the customer's, holds, legacy ACLs) is refused.
// Batches and the XML API are not served.
#pragma once

#include <vector>

#include "base/clock.h"
#include "edge/call.h"
#include "edge/http_handler.h"
#include "objects/objects.h"

namespace trainyard::api {

// All that these refer to outlives the routes. Bodies and answers are streamed; memory is bounded.
std::vector<edge::HttpRoute> StorageRoutes(objects::ObjectStore& objects, edge::Policy& policy,
                                           edge::Audit& audit, const base::Clock& clock);

}  // namespace trainyard::api
