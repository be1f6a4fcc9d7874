"""Trains a classifier of handwritten digits, as any Vertex AI training script would."""
import time

FIRST_LINE_TIME = time.time()

import argparse
import json
import os
import pathlib

import joblib
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def local(uri):
    """gs://bucket/x -> /gcs/bucket/x, where every job finds its buckets."""
    return pathlib.Path(uri.replace("gs://", "/gcs/", 1))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--regularization", type=float, default=1.0)
    args = parser.parse_args()

    print(json.dumps({"severity": "INFO", "message": f"first line of user code at {FIRST_LINE_TIME:.6f}"}))
    images, labels = load_digits(return_X_y=True)
    train_x, test_x, train_y, test_y = train_test_split(images, labels, test_size=0.25, random_state=0)
    print(f"{len(train_x)} training images of {train_x.shape[1]} pixels")

    model = make_pipeline(StandardScaler(), LogisticRegression(C=args.regularization, max_iter=500))
    model.fit(train_x, train_y)
    accuracy = accuracy_score(test_y, model.predict(test_x))
    print(f"accuracy {accuracy:.4f}")

    directory = local(os.environ["AIP_MODEL_DIR"])
    directory.mkdir(parents=True, exist_ok=True)
    joblib.dump(model, directory / "model.joblib")
    print(f"model in {os.environ['AIP_MODEL_DIR']}")


if __name__ == "__main__":
    main()
