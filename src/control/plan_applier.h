// Turns a plan into desired state: checks it against the jobs as they are now, places what still
// holds.
#pragma once

#include "control/batch.h"
#include "sched/planner.h"

namespace trainyard::control {

// How many jobs of the plan were placed or refused. A job that is no longer queued, or for which
// there is no longer room, is left for the next plan, and so is everything after it.
int ApplyPlan(const sched::Plan& plan, Batch& batch);

// Whether a plan would place or refuse the head of the queue. Cheap.
bool CanPlan(const LiveJobs& jobs);

// Plans and applies until nothing more can start.
void PlanAll(Batch& batch);

// Tells those that the batch created and that still wait, what for: in their record and their log.
void NoteWaiting(Batch& batch);

}  // namespace trainyard::control
