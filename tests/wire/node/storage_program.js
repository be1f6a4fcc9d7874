// As written for Google's own Cloud Storage.
'use strict';
const {Storage} = require('@google-cloud/storage');

async function main() {
  const bucket = new Storage({projectId: process.env.TRAINYARD_PROJECT}).bucket('node-bucket');
  await bucket.create();
  await bucket.file('a/b').save(Buffer.from('hello'));
  const [content] = await bucket.file('a/b').download();
  const [files] = await bucket.getFiles({prefix: 'a/'});
  if (files.map((file) => file.name).join() !== 'a/b') throw new Error(`listed ${files.length} files`);
  await bucket.file('a/b').delete();
  await bucket.delete();
  console.log(content.toString());
}

main().catch((error) => {
  console.error(error.message || JSON.stringify(error));
  process.exitCode = 1;
});
