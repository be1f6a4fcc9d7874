// Google's Node client, over gRPC and over REST (fallback).
'use strict';
const assert = require('node:assert');
const {spawnSync} = require('node:child_process');
const path = require('node:path');
const test = require('node:test');
const {JobServiceClient} = require('@google-cloud/aiplatform').v1;

const [host, port] = process.env.TRAINYARD_ENDPOINT.split(':');
const parent = `projects/${process.env.TRAINYARD_PROJECT}/locations/${process.env.TRAINYARD_LOCATION}`;

function jobOf(command) {
  return {
    displayName: 'node',
    jobSpec: {
      workerPoolSpecs: [{
        machineSpec: {machineType: 'tiny'},
        replicaCount: 1,
        containerSpec: {imageUri: 'python:3.11', command},
      }],
    },
  };
}

async function ended(client, name) {
  for (let i = 0; i < 600; i++) {
    const [job] = await client.getCustomJob({name});
    if (job.endTime) return job;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${name} has not ended`);
}

for (const fallback of [false, true]) {
  const way = fallback ? 'REST' : 'gRPC';
  const client = new JobServiceClient({apiEndpoint: host, port: Number(port), fallback});

  test(`a job runs over ${way}`, async () => {
    const [created] = await client.createCustomJob({parent, customJob: jobOf(['true'])});
    assert.match(created.name, /customJobs\/\d+$/);
    const job = await ended(client, created.name);
    assert.equal(job.state, 'JOB_STATE_SUCCEEDED');
    const [jobs] = await client.listCustomJobs({parent, filter: 'display_name="node"'});
    assert.ok(jobs.some((listed) => listed.name === created.name));
    const [operation] = await client.deleteCustomJob({name: created.name});
    await operation.promise();
    await assert.rejects(client.getCustomJob({name: created.name}), /not found|NOT_FOUND|not exist/i);
  });

  test(`an error over ${way} says what is wrong`, async () => {
    await assert.rejects(client.createCustomJob({parent, customJob: {displayName: ''}}), /List of found errors/);
  });
}

test('an unedited storage program under trainyard exec', () => {
  const result = spawnSync(process.env.TRAINYARD_BINARY, ['exec', '--', 'node', path.join(__dirname, 'storage_program.js')],
    {encoding: 'utf8', timeout: 120000});
  assert.equal(result.stdout, 'hello\n', result.stderr);
});
