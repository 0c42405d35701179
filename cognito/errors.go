package cognito

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
)

// Kind is what a caller decides by.
type Kind uint8

const (
	Unexpected    Kind = iota // an error that this package does not know
	NotFound                  // no such user
	GroupNotFound             // no such group
	PoolNotFound              // no such pool, in this account and region
	Exists                    // username, alias (e-mail, phone number, preferred_username) or group name is taken
	Invalid                   // a value that the pool or Cognito refuses
	Immutable                 // an attribute that cannot be changed
	Password                  // a password that the pool's policy refuses
	Throttled                 // a request rate: RetryAfter says when to come back
	Limit                     // a hard quota (groups of a user, groups of a pool, …): repeating does not help
	Denied                    // our credentials, our permissions, our clock, or a KMS key: see Error.Fault
	Lambda                    // one of the pool's triggers refused what was asked
	TriggerFailed             // one of the pool's triggers crashed, timed out or answered nonsense
	State                     // the user's or the pool's state does not allow the call
	Unavailable               // 5xx, network, time-out, an answer that cannot be read
	Canceled                  // the caller gave up

	ProviderNotFound // no such identity provider
	ClientNotFound   // no such app client
)

var kindNames = [...]string{
	"unexpected", "not found", "group not found", "pool not found", "exists", "invalid", "immutable", "password", "throttled",
	"limit", "denied", "lambda", "trigger failed", "state", "unavailable", "canceled", "provider not found",
	"client not found",
}

// String is the kind in one or two words, for logs.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// Error is what every method of a Pool returns when it fails. Its text holds
// Cognito's own message, never an attribute's value or a password.
type Error struct {
	Kind       Kind
	Op         string        // Cognito's operation: "AdminCreateUser"
	Code       string        // Cognito's error code: "UsernameExistsException"; empty when no answer of Cognito's was read
	Message    string        // Cognito's message, or a sentence of ours
	RequestID  string        // Cognito's, for AWS support; empty when unknown
	RetryAfter time.Duration // Throttled: when the call could be made; 0 otherwise
	Sent       bool          // some attempt of this call may have been applied: read back before believing Kind
	Err        error         // the cause; nil for a refusal of our own
}

// Error is one line: operation, code, message.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	b.WriteString(": ")
	if e.Code != "" {
		b.WriteString(e.Code)
		b.WriteString(": ")
	}
	if e.Message != "" {
		b.WriteString(e.Message)
	} else {
		b.WriteString(e.Kind.String())
	}
	if e.Sent {
		b.WriteString(" (outcome unknown)")
	}
	return b.String()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf is the Kind of the *Error in err's chain, and Unexpected without one.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Unexpected
}

// kinds is the translation of error codes. Codes, not Go types: the SDK gives a
// code that an operation's model lacks (AliasExistsException on AdminCreateUser,
// AccessDeniedException everywhere) as a generic error.
var kinds = map[string]Kind{
	"UserNotFoundException": NotFound,

	"UsernameExistsException": Exists,
	"AliasExistsException":    Exists,
	"GroupExistsException":    Exists,

	"InvalidParameterException": Invalid,
	"ValidationException":       Invalid,
	"SerializationException":    Invalid,

	"InvalidPasswordException":                Password,
	"PasswordHistoryPolicyViolationException": Password,

	"TooManyRequestsException":  Throttled,
	"Throttling":                Throttled,
	"ThrottlingException":       Throttled,
	"ThrottledException":        Throttled,
	"RequestThrottled":          Throttled,
	"RequestThrottledException": Throttled,
	"RequestLimitExceeded":      Throttled,
	"SlowDown":                  Throttled,

	"LimitExceededException": Limit,

	"AccessDenied":                             Denied,
	"AccessDeniedException":                    Denied,
	"ExpiredToken":                             Denied,
	"ExpiredTokenException":                    Denied,
	"ForbiddenException":                       Denied,
	"IncompleteSignatureException":             Denied,
	"InvalidClientTokenId":                     Denied,
	"InvalidEmailRoleAccessPolicyException":    Denied,
	"InvalidSignatureException":                Denied,
	"InvalidSmsRoleAccessPolicyException":      Denied,
	"InvalidSmsRoleTrustRelationshipException": Denied,
	"MissingAuthenticationToken":               Denied,
	"MissingAuthenticationTokenException":      Denied,
	"NotAuthorizedException":                   Denied,
	"OptInRequired":                            Denied,
	"RequestExpired":                           Denied,
	"RequestTimeTooSkewed":                     Denied,
	"SignatureDoesNotMatch":                    Denied,
	"UnauthorizedException":                    Denied,
	"UnrecognizedClientException":              Denied,

	"InvalidLambdaResponseException": TriggerFailed,
	"UnexpectedLambdaException":      TriggerFailed,
	"UserLambdaValidationException":  Lambda,

	"KMSInternalException":   Unavailable,
	"KMSThrottlingException": Throttled,

	"ConcurrentModificationException": State,
	"OperationNotEnabledException":    State,
	"PreconditionNotMetException":     State,
	"UnsupportedUserStateException":   State,
	"UserImportInProgressException":   State,

	"InternalErrorException":  Unavailable,
	"InternalServerException": Unavailable,
	"InternalFailure":         Unavailable,
	"RequestTimeout":          Unavailable,
	"RequestTimeoutException": Unavailable,
	"ServiceUnavailable":      Unavailable,
}

// translate is the border between the SDK's errors and ours, for one attempt: ctx
// is the caller's, f what became of the request.
func translate(ctx context.Context, op operation, f *flight, err error) *Error {
	e := &Error{Op: op.name, Err: err}
	var credentials *credentialsError
	lacking := errors.As(err, &credentials) // whatever was answered then was not by Cognito
	var response *awshttp.ResponseError
	status := 0
	if errors.As(err, &response) && !lacking {
		status, e.RequestID = response.HTTPStatusCode(), response.ServiceRequestID()
	}
	var api smithy.APIError
	switch {
	case errors.As(err, &api) && !foreign(err) && !lacking:
		e.Code, e.Message = api.ErrorCode(), api.ErrorMessage()
		e.Kind = kindOf(op, status, e.Code, e.Message)
	case errors.Is(ctx.Err(), context.Canceled):
		e.Kind, e.Message = Canceled, "the caller gave up"
	case ctx.Err() != nil:
		e.Kind, e.Message = Unavailable, "no answer before the deadline"
	case lacking:
		e.Kind, e.Message = Denied, credentials.Error()
	case foreign(err):
		e.Kind, e.Message = Unavailable, fmt.Sprintf("the answer (HTTP %d) cannot be read, or is not Cognito's", status)
	case f.expired:
		e.Kind, e.Message = Unavailable, "no answer in time"
	case f.given:
		e.Kind, e.Message = Unavailable, cause(err)
	default:
		e.Message = cause(err)
	}
	e.Sent = op.effect != reads && f.mayHaveLanded() &&
		(e.Kind == Unavailable || e.Kind == Canceled || e.Code == "CodeDeliveryFailureException")
	return e
}

// foreign reports an answer that Cognito does not give, but a proxy on the way may: a page, or an error without a code, which
// the SDK calls UnknownError.
func foreign(err error) bool {
	var unreadable *smithy.DeserializationError
	var api smithy.APIError
	return errors.As(err, &unreadable) || errors.As(err, &api) && api.ErrorCode() == "UnknownError"
}

// kindOf reads an answer. A code nobody knows is judged by its status.
func kindOf(op operation, status int, code, message string) Kind {
	kind, known := kinds[code]
	switch {
	case code == "ResourceNotFoundException" && op.group && !strings.Contains(strings.ToLower(message), "pool"):
		// "Group not found." and "User pool … does not exist." share a code.
		return GroupNotFound
	case code == "ResourceNotFoundException" && op.provider && strings.Contains(strings.ToLower(message), "provider"):
		return ProviderNotFound
	case code == "ResourceNotFoundException" && op.client && strings.Contains(strings.ToLower(message), "client"):
		return ClientNotFound // "User pool client … does not exist."
	case code == "ResourceNotFoundException":
		return PoolNotFound
	case kind == Invalid && strings.Contains(message, "cannot be updated"):
		return Immutable // "user.email: Attribute cannot be updated."
	case known:
		return kind
	case strings.HasPrefix(code, "KMS"):
		return Denied // by the key: its policy, its state, its absence
	case status >= http.StatusInternalServerError:
		return Unavailable
	}
	return Unexpected
}

// cause is the innermost text of a transport error: what the network said, without
// the SDK's nesting around it.
func cause(err error) string {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Error()
	}
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}
