package emulator

import (
	"fmt"
	"net/http"
)

// apiError is an error as the protocol knows it: handlers return it, and writeError alone turns it into a response.
type apiError struct {
	Status  int    // HTTP status: 400, but for faults of the server and bodies that are too large
	Code    string // the shape's name: UserNotFoundException
	Message string
	// Coral writes the body as the layer in front of Cognito does, for IAM's denials: a namespace in __type, and a capital Message.
	Coral bool
}

func (e *apiError) Error() string { return e.Code + ": " + e.Message }

func clientError(code, format string, args ...any) error {
	return &apiError{Status: http.StatusBadRequest, Code: code, Message: fmt.Sprintf(format, args...)}
}

func invalidParameter(format string, args ...any) error {
	return clientError("InvalidParameterException", format, args...)
}

func resourceNotFound(format string, args ...any) error {
	return clientError("ResourceNotFoundException", format, args...)
}

func notAuthorized(format string, args ...any) error {
	return clientError("NotAuthorizedException", format, args...)
}

func limitExceeded(format string, args ...any) error {
	return clientError("LimitExceededException", format, args...)
}

func serialization(format string, args ...any) error {
	return clientError("SerializationException", format, args...)
}

// userNotFound has one wording for all admin operations.
func userNotFound() error { return clientError("UserNotFoundException", "User does not exist.") }

func internalError() error {
	return &apiError{Status: http.StatusInternalServerError, Code: "InternalErrorException", Message: "Internal server error"}
}
