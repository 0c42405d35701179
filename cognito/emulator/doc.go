// Package emulator is Amazon Cognito's user-pool API (service cognito-idp) as an http.Handler that keeps its pools in memory.
//
// It speaks the wire protocol: POST / with X-Amz-Target AWSCognitoIdentityProviderService.<Operation> and JSON bodies, so the AWS
// SDKs, with their endpoint set to it and any static credentials, cannot tell the difference. Signatures are not verified. Constraints
// on parameters are those of the service model, messages those that people report; where nobody knows, Unverified is a choice.
// Operations that are not emulated, and parameters whose effect is not, fail loudly. Messages are never sent, tokens are opaque.
//
// Handlers decide under the lock of one pool and return values or protocol errors; serveWire alone decodes, throttles, injects faults
// and encodes. A user's record is never changed, only replaced: that is how a search can lag behind the writes.
//
// # Control endpoints
//
// Bodies are JSON; unknown keys are refused; what is wrong with a body is answered as 400 {"error": "…"}.
//
//	GET    /-/calls   {"operations": {"AdminCreateUser": 3}, "throttled": {…}, "faulted": {…}, "invitations": 0}
//	DELETE /-/calls   sets all counts to zero
//	GET    /-/faults  {"faults": [Fault, …]}
//	POST   /-/faults  one Fault: {"operation": "ListUsers", "kind": "throttle", "count": 3, "probability": 0.5, "after": 2, "pool": "…"};
//	                  without an operation all fail, without a count until they are removed; kinds: throttle, 500, 503, access-denied,
//	                  expired-credentials, reset-before, reset-after, timeout-before, timeout-after, garbage-body
//	DELETE /-/faults  removes all faults
//	GET    /-/clock   {"now": "2026-01-02T15:04:05Z", "offset": "24h0m0s"}
//	POST   /-/clock   {"advance": "24h"} or {"set": "2026-01-02T15:04:05Z"}
//	POST   /-/seed    {"pool": "us-east-1_local", "users": 100000, "groups": 100, "members": 50}
//	POST   /-/federated-sign-in
//	                  a FederatedSignIn: {"pool": "…", "provider": "Okta", "subject": "00u1", "attributes": {"email": "…"}, "client": "…"};
//	                  answers a SignedIn: {"username": "…", "sub": "…", "created": false, "linked": true, "accessToken": "…", …}
//
// # Broken connections
//
// The faults that break connections panic with http.ErrAbortHandler, upon which net/http closes the connection. A RoundTripper that
// calls ServeHTTP in process must recover that value and return an error. No goroutine outlives a call, and waiting is done with
// timers and the request's context only, so the emulator runs inside testing/synctest.
package emulator
