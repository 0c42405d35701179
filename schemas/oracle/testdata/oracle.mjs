// Answers questions about SCIM, a line of JSON each, in the words of two libraries that share no code with ours.
//   {"parse": "FILTER"}                          → {"tree": …}
//   {"match": "FILTER", "resource": {…}}         → {"matches": true}
//   {"patch": [OPERATION, …], "resource": {…}}   → {"resource": {…}}
// What a library refuses → {"refused": "why"}.
import { createInterface } from 'node:readline';
import scimPatch from 'scim-patch';
import scimFilter from 'scim2-parse-filter';

function answer(question) {
  if (question.parse !== undefined) return { tree: scimFilter.parse(question.parse) };
  if (question.match !== undefined) return { matches: scimFilter.filter(scimFilter.parse(question.match))(question.resource) };
  return { resource: scimPatch.scimPatch(question.resource, question.patch) };
}

for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  let said;
  try {
    said = answer(JSON.parse(line));
  } catch (e) {
    said = { refused: `${e.constructor.name}: ${e.message}` };
  }
  process.stdout.write(JSON.stringify(said) + '\n');
}
