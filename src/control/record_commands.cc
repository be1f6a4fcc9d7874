#include "control/record_commands.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "control/timestamp.h"
#include "control/transition.h"
#include "google/cloud/aiplatform/v1/operation.pb.h"
#include "google/protobuf/empty.pb.h"

namespace trainyard::control {
namespace {

using google::longrunning::Operation;

// The operation of a deletion that is done already.
Operation DoneDeletion(const std::string& name, absl::Time now) {
  v1::DeleteOperationMetadata metadata;
  *metadata.mutable_generic_metadata()->mutable_create_time() = ToTimestamp(now);
  *metadata.mutable_generic_metadata()->mutable_update_time() = ToTimestamp(now);
  Operation operation;
  operation.set_name(name);
  operation.mutable_metadata()->PackFrom(metadata);
  operation.set_done(true);
  operation.mutable_response()->PackFrom(google::protobuf::Empty());
  return operation;
}

store::Record StoredOperation(const Operation& operation, absl::Time now) {
  trainyard::store::v1::OperationRecord record;
  *record.mutable_operation() = operation;
  store::Record stored;
  stored.kind = store::kOperations;
  stored.name = operation.name();
  stored.parent = operation.name().substr(0, operation.name().find("/operations/"));
  stored.create_time = absl::FromUnixMicros(absl::ToUnixMicros(now));
  stored.value = record.SerializeAsString();
  return stored;
}

store::Write DeletionOf(const char* kind, const std::string& name) {
  store::Write write{store::Write::Kind::kDelete, {}};
  write.record.kind = kind;
  write.record.name = name;
  return write;
}

class DeleteJobCommand final : public Command {
 public:
  DeleteJobCommand(std::string name, store::Store& store, base::Random& random, JobLog& log,
                   Reply<Operation> reply)
      : name_(std::move(name)),
        store_(store),
        random_(random),
        log_(log),
        reply_(std::move(reply)) {}

  void Run(Batch& batch) override {
    absl::StatusOr<CustomJobRecord> record = FindEnded(batch);
    if (!record.ok()) {
      answer_ = record.status();
      return;
    }
    if (!batch.MarkDeleted(name_)) {
      answer_ = NotFound();
      return;
    }
    absl::Time now = batch.moment().now;
    std::string parent = name_.substr(0, name_.find("/customJobs/"));
    answer_ = DoneDeletion(absl::StrCat(parent, "/operations/", base::NewNumericId(random_)), now);
    NoteStep(*record, "deleted", now, batch.journal());
    batch.Write(DeletionOf(store::kCustomJobs, name_));
    batch.Write({store::Write::Kind::kPut, StoredOperation(*answer_, now)});
  }

  void Succeed(const Batch&) override {
    if (answer_.ok()) log_.Remove(name_.substr(name_.rfind('/') + 1));
    reply_(std::move(answer_));
  }
  void Fail(const absl::Status& status) override { reply_(status); }

 private:
  absl::Status NotFound() const {
    return absl::NotFoundError(absl::StrCat("CustomJob ", name_, " does not exist."));
  }

  absl::StatusOr<CustomJobRecord> FindEnded(const Batch& batch) {
    const CustomJobRecord* touched = batch.Touched(name_);
    const LiveJob* live = batch.jobs().Find(name_);
    if (live != nullptr && !model::IsTerminal(live->state)) {
      return absl::FailedPreconditionError(
          absl::StrCat("CustomJob ", name_, " has not ended (", v1::JobState_Name(live->state),
                       "). Cancel it first, and delete it when it has ended."));
    }
    if (touched != nullptr) return *touched;
    absl::StatusOr<store::Record> stored = store_.Get(store::kCustomJobs, name_);
    if (absl::IsNotFound(stored.status())) return NotFound();
    if (!stored.ok()) return stored.status();
    CustomJobRecord record;
    if (!record.ParseFromString(stored->value)) {
      return absl::DataLossError(absl::StrCat("the record of ", name_, " cannot be read"));
    }
    return record;
  }

  const std::string name_;
  store::Store& store_;
  base::Random& random_;
  JobLog& log_;
  Reply<Operation> reply_;
  absl::StatusOr<Operation> answer_ = absl::InternalError("no answer");
};

class DeleteOperationCommand final : public Command {
 public:
  DeleteOperationCommand(std::string name, store::Store& store, Reply<bool> reply)
      : name_(std::move(name)), store_(store), reply_(std::move(reply)) {}

  void Run(Batch& batch) override {
    absl::Status stored = store_.Get(store::kOperations, name_).status();
    if (absl::IsNotFound(stored)) {
      stored = absl::NotFoundError(absl::StrCat("Operation ", name_, " does not exist."));
    }
    answer_ = stored;
    if (stored.ok()) batch.Write(DeletionOf(store::kOperations, name_));
  }

  void Succeed(const Batch&) override {
    if (answer_.ok()) {
      reply_(true);
    } else {
      reply_(answer_);
    }
  }
  void Fail(const absl::Status& status) override { reply_(status); }

 private:
  const std::string name_;
  store::Store& store_;
  Reply<bool> reply_;
  absl::Status answer_;
};

class PutCommand final : public Command {
 public:
  PutCommand(store::Transaction transaction, Reply<bool> reply)
      : transaction_(std::move(transaction)), reply_(std::move(reply)) {}

  void Run(Batch& batch) override {
    for (store::Write& write : transaction_.writes) batch.Write(std::move(write));
    for (store::Event& event : transaction_.events) {
      batch.journal().events.push_back(std::move(event));
    }
  }
  void Succeed(const Batch&) override { reply_(true); }
  void Fail(const absl::Status& status) override { reply_(status); }

 private:
  store::Transaction transaction_;
  Reply<bool> reply_;
};

}  // namespace

std::unique_ptr<Command> MakeDeleteJobCommand(std::string name, store::Store& store,
                                              base::Random& random, JobLog& log,
                                              Reply<Operation> reply) {
  return std::make_unique<DeleteJobCommand>(std::move(name), store, random, log, std::move(reply));
}

std::unique_ptr<Command> MakeDeleteOperationCommand(std::string name, store::Store& store,
                                                    Reply<bool> reply) {
  return std::make_unique<DeleteOperationCommand>(std::move(name), store, std::move(reply));
}

std::unique_ptr<Command> MakePutCommand(store::Transaction transaction, Reply<bool> reply) {
  return std::make_unique<PutCommand>(std::move(transaction), std::move(reply));
}

}  // namespace trainyard::control
