// Identity: the private CA and the server's certificate, accounts, keys and tokens, roles, the
// token endpoint, the audit file.
#pragma once

#include "edge/accounts.h"
#include "edge/audit_file.h"
#include "edge/certificates.h"
#include "edge/token_endpoint.h"
