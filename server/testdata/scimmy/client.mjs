// Reads a server's answers with SCIMMY, which has schemas, messages and validation of its own:
//   node client.mjs BASE_URL TOKEN
// A line for each answer that it does not understand, then "N passed, N failed".
import SCIMMY from 'scimmy';

const [base, token] = process.argv.slice(2);
let passed = 0, failed = 0;

function check(what, holds, more = '') {
  if (holds) {
    passed++;
    return;
  }
  failed++;
  console.log(`${what} ${more}`);
}

// reads checks that SCIMMY makes something of an answer.
function reads(what, read) {
  try {
    read();
    check(what, true);
  } catch (e) {
    check(what, false, e.message);
  }
}

async function call(method, path, body) {
  const response = await fetch(base + path, {
    method,
    headers: { Authorization: `Bearer ${token}`, Accept: 'application/scim+json', 'Content-Type': 'application/scim+json' },
    body: body && JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, body: text ? JSON.parse(text) : undefined };
}

const characteristics = ['type', 'multiValued', 'required', 'caseExact', 'mutability', 'returned', 'uniqueness', 'canonicalValues', 'referenceTypes'];

// compare holds our definitions against SCIMMY's, both ways.
function compare(at, theirs, ours) {
  for (const their of theirs) {
    const our = ours.find((a) => a.name === their.name);
    check(`${at}${their.name}`, our, 'is missing');
    if (!our) continue;
    for (const c of characteristics) {
      check(`${at}${their.name} ${c}`, their[c] === undefined || JSON.stringify(their[c]) === JSON.stringify(our[c]), `is ${our[c]}, not ${their[c]}`);
    }
    compare(`${at}${their.name}.`, their.subAttributes ?? [], our.subAttributes ?? []);
  }
  for (const our of ours) check(`${at}${our.name}`, theirs.some((a) => a.name === our.name), 'is not in the RFC');
}

const { User, EnterpriseUser, Group, ResourceType, ServiceProviderConfig } = SCIMMY.Schemas;
const { ListResponse, ErrorResponse } = SCIMMY.Messages;

const config = await call('GET', '/ServiceProviderConfig');
reads('ServiceProviderConfig', () => new ServiceProviderConfig(config.body, 'out'));
const schemas = await call('GET', '/Schemas');
reads('the list of schemas', () => new ListResponse(schemas.body));
for (const { definition } of [User, EnterpriseUser, Group]) {
  const { id, attributes } = definition.describe();
  // A server that sets no passwords has none in its schema.
  const theirs = attributes.filter((a) => a.name !== 'password' || config.body.changePassword.supported);
  compare(`${id} `, theirs, schemas.body.Resources.find((s) => s.id === id)?.attributes ?? []);
}
const types = await call('GET', '/ResourceTypes');
for (const type of types.body.Resources) reads(`resource type ${type.id}`, () => new ResourceType(type, 'out'));

const enterprise = EnterpriseUser.definition.id;
const sent = {
  schemas: [User.definition.id, enterprise], userName: 'ada@example.com', name: { givenName: 'Ada', familyName: 'Lovelace', formatted: 'Ada Lovelace' },
  displayName: 'Ada', nickName: 'A', profileUrl: 'https://example.com/ada', title: 'Countess', userType: 'Employee', preferredLanguage: 'en', locale: 'en-US',
  timezone: 'Europe/London', active: true, emails: [{ value: 'ada@example.com', type: 'work', primary: true }, { value: 'ada@home.example', type: 'home' }],
  phoneNumbers: [{ value: '+15551234567', type: 'mobile' }], ims: [{ value: 'ada', type: 'aim' }], photos: [{ value: 'https://example.com/ada.png', type: 'photo' }],
  addresses: [{ formatted: 'London', country: 'GB', type: 'work' }], entitlements: [{ value: 'e' }], roles: [{ value: 'r', primary: true }],
  x509Certificates: [{ value: 'QUJD' }], [enterprise]: { employeeNumber: '1', department: 'd', manager: { value: 'm' } },
};
const created = await call('POST', '/Users', sent);
check('POST of a user', created.status === 201, `is answered ${created.status}`);
SCIMMY.Schemas.User.extend(EnterpriseUser.definition);
const path = `/Users/${created.body.id}`;
for (const [what, { body }] of [['the created user', created], ['the user', await call('GET', path)], ['the user put back', await call('PUT', path, created.body)]]) {
  for (const direction of ['out', 'both']) reads(`${what}, ${direction}`, () => new User(body, direction));
  const user = new User(body, 'out');
  for (const name of Object.keys(sent).filter((n) => n !== 'schemas' && n !== enterprise)) {
    check(`${name} of ${what}`, JSON.stringify(sorted(user[name])) === JSON.stringify(sorted(sent[name])), `is ${JSON.stringify(user[name])}`);
  }
}
const group = await call('POST', '/Groups', { schemas: [Group.definition.id], displayName: 'Staff', members: [{ value: created.body.id }] });
reads('a group', () => new Group(group.body, 'out'));
for (const list of ['/Users', '/Users?count=0', '/Groups', '/Users?filter=userName%20eq%20%22nobody%22']) {
  const { body } = await call('GET', list);
  reads(list, () => new ListResponse(body));
}

// What SCIMMY reads of an error it throws.
for (const [method, at, body, status, scimType] of [
  ['GET', '/Users/nobody', undefined, 404, undefined], ['POST', '/Users', sent, 409, 'uniqueness'], ['GET', '/Nothing', undefined, 404, undefined],
  ['GET', '/Users?filter=x', undefined, 400, 'invalidFilter'], ['POST', '/Users', {}, 400, 'invalidValue'], ['DELETE', '/Users', undefined, 405, undefined],
]) {
  const answer = await call(method, at, body);
  let error;
  try {
    new ErrorResponse(answer.body);
  } catch (e) {
    error = e;
  }
  check(`the error of ${method} ${at}`, error?.status == status && error?.scimType === scimType && error?.message === answer.body.detail,
    `reads as ${error?.status} ${error?.scimType} ${error?.message}`);
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;

// sorted puts the names of objects into order, all the way down.
function sorted(v) {
  if (Array.isArray(v)) return v.map(sorted);
  if (v === null || typeof v !== 'object') return v;
  return Object.fromEntries(Object.keys(v).sort().map((k) => [k, sorted(v[k])]));
}
