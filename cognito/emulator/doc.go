// Package emulator is Amazon Cognito's user-pool API (service cognito-idp) as an http.Handler that keeps its pools in memory.
//
// It speaks the wire protocol: POST / with X-Amz-Target AWSCognitoIdentityProviderService.<Operation> and JSON bodies, so the AWS
// SDKs, with their endpoint set to it and any static credentials, cannot tell the difference. Signatures are not verified.
// Operations that are not emulated, and parameters whose effect is not, fail loudly.
//
// # Control endpoints
//
// Bodies are JSON; unknown keys are refused; what is wrong with a body is answered as 400 {"error": "…"}.
//
//	GET    /-/calls   {"operations": {"AdminCreateUser": 3}, "throttled": {…}, "faulted": {…}}
//	DELETE /-/calls   sets all counts to zero
//	GET    /-/faults  {"faults": [Fault, …]}
//	POST   /-/faults  one Fault: {"operation": "ListUsers", "kind": "throttle", "count": 3, "probability": 0.5, "after": 2, "pool": "…"}
//	DELETE /-/faults  removes all faults
//	GET    /-/clock   {"now": "2026-01-02T15:04:05Z", "offset": "24h0m0s"}
//	POST   /-/clock   {"advance": "24h"} or {"set": "2026-01-02T15:04:05Z"}
package emulator
