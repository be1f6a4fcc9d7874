#include "api/services.h"

#include "api/registrations.h"

namespace trainyard::api {

void RegisterServices(edge::MethodTable& methods, const Services& services) {
  auto projects = std::make_shared<Projects>(services.engine, services.store, services.clock,
                                             services.facts.default_project);
  RegisterJobService(methods, services, projects);
  RegisterOperations(methods, services);
  RegisterLocations(methods, services);
  RegisterProjects(methods, services, projects);
  RegisterLogging(methods, services, projects);
  RegisterAdmin(methods, services);
  RegisterKeys(methods, services);
}

}  // namespace trainyard::api
