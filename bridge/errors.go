package bridge

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	scim "github.com/elimity-com/scim/errors"

	"github.com/scim-cognito/scim-cognito/cognito"
)

// Kind is what went wrong, as far as the answer depends on it.
type Kind uint8

// The kinds of error.
const (
	Internal    Kind = iota // our fault; Detail is empty and Err tells the operator
	NotFound                // no such resource
	Exists                  // userName, displayName or an alias is taken
	Invalid                 // a value that Cognito refuses
	Mutability              // a resource or attribute that must not be changed through SCIM
	TooMany                 // come back after RetryAfter: quota, warm-up, or work that goes on in the journal
	Unavailable             // Cognito does not answer, or not sensibly: come back after RetryAfter
	Denied                  // AWS refuses our credentials
	Full                    // a hard quota of the pool: repeating does not help
	Held                    // held by the deprovisioning guard until RetryAfter, or until an operator releases it
)

var kindNames = [...]string{
	"internal", "not found", "exists", "invalid", "mutability", "too many", "unavailable", "denied", "full", "held",
}

// String is the kind in words, for logs.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// Error is a failed operation. Detail is for the identity provider's admin and holds no internals; Err is for the
// operator's log.
type Error struct {
	Kind       Kind
	Detail     string
	RetryAfter time.Duration // of TooMany, Unavailable and Held
	Err        error
}

// Error joins what both readers get to see; it is for logs.
func (e *Error) Error() string {
	switch {
	case e.Err == nil:
		return e.Detail
	case e.Detail == "":
		return e.Err.Error()
	}
	return e.Detail + ": " + e.Err.Error()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

func internal(err error) error {
	var mine *Error
	var refused scim.ScimError
	if err == nil || errors.As(err, &mine) || errors.As(err, &refused) {
		return err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return &Error{Kind: Unavailable, RetryAfter: retryUnavailable, Err: err, Detail: "the request ran out of time; repeat it"}
	}
	return &Error{Kind: Internal, Err: err}
}

func notFound(what, id string) error {
	return &Error{Kind: NotFound, Detail: fmt.Sprintf("%s %q not found", what, id)}
}

// retryUnavailable is when to come back after Cognito has failed for longer than our retries.
const retryUnavailable = 30 * time.Second

// fromCognito is the border between Cognito's errors and ours. Its messages name attributes and rules in Cognito's
// words, which an admin can act on; they hold no values.
func fromCognito(err error) error {
	var mine *Error
	var e *cognito.Error
	if errors.As(err, &mine) || !errors.As(err, &e) {
		return internal(err)
	}
	message := withoutIDs(strings.TrimSpace(e.Message))
	switch e.Kind {
	case cognito.NotFound:
		return &Error{Kind: NotFound, Detail: "the user is not in the user pool any more", Err: err}
	case cognito.GroupNotFound:
		return &Error{Kind: NotFound, Detail: "the group is not in the user pool any more", Err: err}
	case cognito.Exists:
		return &Error{Kind: Exists, Detail: "Amazon Cognito says: " + message, Err: err}
	case cognito.Password:
		return &Error{Kind: Invalid, Detail: "password: Amazon Cognito says: " + message, Err: err}
	case cognito.Invalid:
		return &Error{Kind: Invalid, Detail: "Amazon Cognito refuses a value: " + message, Err: err}
	case cognito.Immutable:
		return &Error{Kind: Mutability, Detail: "Amazon Cognito says: " + message, Err: err}
	case cognito.Throttled:
		return &Error{Kind: TooMany, RetryAfter: max(e.RetryAfter, time.Second), Err: err,
			Detail: "the request rate that Amazon Cognito allows is used up; repeat the request later"}
	case cognito.Limit:
		return &Error{Kind: Full, Detail: "a quota of Amazon Cognito is reached, which waiting does not lift: " + message, Err: err}
	case cognito.Lambda:
		return &Error{Kind: Invalid, Detail: "a Lambda trigger of the user pool refused the change: " + message, Err: err}
	case cognito.TriggerFailed:
		return &Error{Kind: Unavailable, RetryAfter: retryUnavailable, Detail: faultDetail(e.Fault()) + "; repeat the request later", Err: err}
	case cognito.State:
		return &Error{Kind: Unavailable, RetryAfter: retryUnavailable, Err: err, Detail: "Amazon Cognito says: " + message}
	case cognito.ProviderNotFound:
		return &Error{Kind: Denied, Err: err, Detail: "the identity provider through which these people sign in is not in the user pool any more"}
	case cognito.Denied, cognito.PoolNotFound:
		return &Error{Kind: Denied, Err: err, Detail: faultDetail(e.Fault())}
	case cognito.Unavailable, cognito.Canceled:
		return &Error{Kind: Unavailable, RetryAfter: retryUnavailable, Err: err, Detail: "Amazon Cognito does not answer; repeat the request later"}
	default:
		return &Error{Kind: Internal, Err: err}
	}
}

// repeated reports an error that the server answers 429 or 5xx, upon which identity providers ask again. Any other answer
// settles the matter.
func repeated(err error) bool {
	var e *Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Kind {
	case TooMany, Unavailable, Internal, Denied:
		return true
	}
	return false
}

// faultDetail is what an identity provider's admin reads of what only the operator can mend, and what /readyz tells: nothing
// of accounts, roles or pools.
func faultDetail(f cognito.Fault) string {
	switch f {
	case cognito.NoPool:
		return "the user pool is not there any more, or the SCIM server looks for it in another AWS account or region"
	case cognito.NoCredentials:
		return "the SCIM server has no AWS credentials"
	case cognito.Expired:
		return "the AWS credentials of the SCIM server have expired"
	case cognito.Revoked:
		return "AWS does not accept the credentials of the SCIM server, or not any more"
	case cognito.Signature:
		return "AWS refuses the signatures of the SCIM server: its clock may be wrong, or its secret key"
	case cognito.Permission:
		return "the SCIM server lacks a permission in AWS"
	case cognito.Messaging:
		return "the user pool may not send messages"
	case cognito.Key:
		return "an encryption key of the user pool cannot be used"
	case cognito.Trigger:
		return "a Lambda trigger of the user pool fails"
	case cognito.Quota:
		return "a quota of the user pool is reached"
	}
	return ""
}

// internals are what a message of Cognito's must not tell to those outside: names of AWS accounts and roles, and pools' ids.
var internals = regexp.MustCompile(`arn:[\w-]*:[^\s,;"')]+|\b[a-z]{2,}(-[a-z]+)+-[0-9]{1,2}_[0-9A-Za-z]+`)

// withoutIDs takes the internals out of a message of Cognito's.
func withoutIDs(message string) string { return internals.ReplaceAllString(message, "(id)") }

// passing reports an error that may not come back when the same call is made later.
func passing(err error) bool {
	switch cognito.KindOf(err) {
	case cognito.Throttled, cognito.Unavailable, cognito.Canceled, cognito.Denied, cognito.PoolNotFound, cognito.State, cognito.TriggerFailed:
		return true
	}
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
