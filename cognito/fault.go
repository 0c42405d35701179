package cognito

import (
	"errors"
	"fmt"
	"strings"
)

// Fault is what of our side, or of the pool's, has to be mended before a refused call can work.
type Fault uint8

const (
	None          Fault = iota // nothing of the kind
	NoPool                     // the pool is not there: deleted, or another account or region
	NoCredentials              // the SDK finds none, or whoever should give them refuses
	Expired                    // temporary credentials are over, and were not renewed
	Revoked                    // AWS does not know the credentials, or knows them no more
	Signature                  // a wrong secret key, or a clock that is wrong by minutes
	Permission                 // the policy does not allow this operation
	Messaging                  // the role or the settings by which the pool sends messages
	Key                        // the KMS key of the pool, or of a trigger of it
	Trigger                    // a Lambda trigger crashed, timed out or answered nonsense
	Quota                      // a hard quota
)

// faults tells the codes of Denied apart; the others are a matter of permissions.
var faults = map[string]Fault{
	"ExpiredToken":          Expired,
	"ExpiredTokenException": Expired,

	"InvalidClientTokenId":                Revoked,
	"MissingAuthenticationToken":          Revoked,
	"MissingAuthenticationTokenException": Revoked,
	"UnrecognizedClientException":         Revoked,

	"IncompleteSignatureException": Signature,
	"InvalidSignatureException":    Signature,
	"RequestExpired":               Signature,
	"RequestTimeTooSkewed":         Signature,
	"SignatureDoesNotMatch":        Signature,

	"InvalidEmailRoleAccessPolicyException":    Messaging,
	"InvalidSmsRoleAccessPolicyException":      Messaging,
	"InvalidSmsRoleTrustRelationshipException": Messaging,
}

// Fault says what has to be mended; None for errors that are about what was asked.
func (e *Error) Fault() Fault {
	var missing *credentialsError
	switch e.Kind {
	case PoolNotFound:
		return NoPool
	case TriggerFailed:
		return Trigger
	case Limit:
		return Quota
	case Denied:
	default:
		return None
	}
	fault, known := faults[e.Code]
	switch {
	case errors.As(e, &missing):
		return NoCredentials
	case strings.HasPrefix(e.Code, "KMS"):
		return Key
	case known:
		return fault
	}
	return Permission
}

// Everything reports a fault under which no call works at all, not only the one that met it.
func (f Fault) Everything() bool {
	switch f {
	case NoPool, NoCredentials, Expired, Revoked, Signature:
		return true
	}
	return false
}

// Remedy tells the operator what to do about the fault; "" when there is none.
func (e *Error) Remedy() string {
	switch e.Fault() {
	case NoPool:
		return "check the pool's id, the region and the AWS account, and whether somebody has deleted it"
	case NoCredentials:
		return "no AWS credentials were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or give the container or instance a role; " +
			"if that is done, the error says who refuses to give them"
	case Expired:
		return "the AWS session has expired: renew the credentials"
	case Revoked:
		return "AWS does not know these credentials: check the access key, the session token and the region's partition"
	case Signature:
		return "AWS refuses the signature: check the secret key and this machine's clock"
	case Permission:
		return fmt.Sprintf("give the AWS identity the policy of the documentation, with cognito-idp:%s on this pool", e.Op)
	case Messaging:
		return "the pool may not send messages: check the IAM role and the settings for SMS and e-mail of the pool"
	case Key:
		return "a KMS key cannot be used: check that it is enabled, and that its policy lets the AWS identity and Amazon Cognito use it"
	case Trigger:
		return "a Lambda trigger of the pool failed: look into the log of its function"
	case Quota:
		return "a quota of Amazon Cognito is reached: have AWS raise it, or tidy up"
	}
	return ""
}
