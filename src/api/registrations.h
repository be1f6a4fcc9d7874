// Each service's part of RegisterServices.
#pragma once

#include <memory>

#include "api/projects.h"
#include "api/services.h"
#include "edge/method_table.h"

namespace trainyard::api {

void RegisterJobService(edge::MethodTable& methods, const Services& services,
                        std::shared_ptr<Projects> projects);
void RegisterOperations(edge::MethodTable& methods, const Services& services);
void RegisterLocations(edge::MethodTable& methods, const Services& services);
void RegisterProjects(edge::MethodTable& methods, const Services& services,
                      std::shared_ptr<Projects> projects);
void RegisterLogging(edge::MethodTable& methods, const Services& services,
                     std::shared_ptr<Projects> projects);
void RegisterAdmin(edge::MethodTable& methods, const Services& services);
void RegisterKeys(edge::MethodTable& methods, const Services& services);

}  // namespace trainyard::api
