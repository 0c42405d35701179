package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/go-playground/validator/v10"
)

var (
	nameForm   = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)
	poolForm   = regexp.MustCompile(`^[\w-]+_[0-9a-zA-Z]+$`)            // UserPoolIdType of the Cognito API
	regionForm = regexp.MustCompile(`^[a-z]{2,}(-[a-z]+)+-[0-9]{1,2}$`) // such as us-gov-west-1
	domainForm = regexp.MustCompile(`^([\p{L}\p{N}]([\p{L}\p{M}\p{N}-]*[\p{L}\p{M}\p{N}])?\.)+[\p{L}\p{N}]([\p{L}\p{M}\p{N}-]*[\p{L}\p{M}\p{N}])?$`)
	provForm   = regexp.MustCompile(`^[\p{L}\p{M}\p{S}\p{N}\p{P}]{1,32}$`) // ProviderNameType of the Cognito API
	customForm = regexp.MustCompile(`^custom:[\p{L}\p{M}\p{S}\p{N}\p{P}]{1,20}$`)
)

// ours are the pool's attributes that hold whatever has no attribute of its own.
var ours = map[string]bool{"custom:scim": true, "custom:scim_2": true, "custom:scim_3": true}

// standard are the attributes that every pool has and that SCIM may write.
var standard = map[string]bool{
	"address": true, "birthdate": true, "email": true, "family_name": true, "gender": true, "given_name": true, "locale": true,
	"middle_name": true, "name": true, "nickname": true, "phone_number": true, "picture": true, "preferred_username": true,
	"profile": true, "website": true, "zoneinfo": true,
}

// rule is one validator tag: what it accepts, and the sentence for what it does not. A nil check is the validator's own.
type rule struct {
	check func(value string) bool
	say   func(f validator.FieldError) string
}

func always(sentence string) func(validator.FieldError) string {
	return func(validator.FieldError) string { return sentence }
}

// quoted shows the value, less a password that a URL may have in it.
func quoted(format string) func(validator.FieldError) string {
	return func(f validator.FieldError) string {
		value := fmt.Sprint(f.Value())
		if u, err := url.Parse(value); err == nil && u.User != nil {
			value = u.Redacted()
		}
		return fmt.Sprintf(format, value)
	}
}

var rules = map[string]rule{
	"hostport": {isHostPort, quoted("%q is not an address; write host:port, such as 127.0.0.1:8080 or 0.0.0.0:8080")},
	"loopback": {isLoopback, quoted("%q is not a loopback address; this listener asks for no credentials, so write 127.0.0.1:PORT, " +
		`or "" to turn it off`)},
	"baseurl": {isBaseURL, quoted("%q is not a base URL; write the public http(s) URL without /scim/v2, query or fragment, " +
		"such as https://scim.example.com")},
	"prefix": {isPrefix, quoted("%q is not a network in CIDR form; write 10.0.0.0/8, or 192.0.2.7/32 for a single address")},
	"store":  {isStore, quoted("%q is not a store; write sqlite:FILE, such as sqlite:/var/lib/scim-cognito/scim-cognito.db")},
	"name":   {nameForm.MatchString, quoted("%q is not a name; write 1 to 64 letters, digits, dots, dashes or underscores")},
	"secret": {nil, always("must say where the token is: env:NAME for an environment variable or file:PATH for a file; " +
		"the token itself does not belong into this file")},
	"instant":  {isInstant, quoted(`%q is not an RFC 3339 time; write it as 2027-01-31T00:00:00Z, or "" for never`)},
	"poolid":   {isPoolID, quoted("%q is not a user pool id; copy it from the Cognito console, such as eu-west-1_AbCdEf123")},
	"region":   {regionForm.MatchString, quoted("%q is not an AWS region; write one such as eu-west-1")},
	"endpoint": {isEndpoint, quoted(`%q is not an endpoint; write a URL such as http://127.0.0.1:9230, or "" for AWS`)},
	"extension": {isExtension, quoted("%q is not the URN of an extension that can be defined; write one such as " +
		"urn:ietf:params:scim:schemas:extension:acme:2.0:User")},
	"attrname":  {attributeForm.MatchString, quoted("%q is not the name of an attribute; write a letter and then letters, digits, dashes or underscores")},
	"groupname": {groupForm.MatchString, quoted("%q is no name of a Cognito group; write 1 to 128 characters without spaces")},
	"domain":    {isDomain, quoted("%q is not an e-mail domain; write what follows the @, such as example.com")},
	"cognito":   {isCognito, cognitoSentence},
	"provider": {provForm.MatchString, quoted("%q is not an identity provider's name, which has 1 to 32 characters without spaces; copy it from the " +
		`Cognito console, or write "none"`)},
	"gt":       {nil, quoted("%s is not a share; write a number above 0 and at most 1, such as 0.8")},
	"lte":      {nil, quoted("%s is not a share; write a number above 0 and at most 1, such as 0.8")},
	"window":   {isWindow, quoted("%q is not how long a guard counts; write a duration from 1m to 168h, such as 1h or 24h")},
	"gte":      {nil, always("is negative; write a whole number, or 0 for no such limit")},
	"lt":       {nil, quoted("%s is not a percentage; write a whole number from 0 (no such limit) to 100")},
	"max":      {nil, func(f validator.FieldError) string { return "is longer than " + f.Param() + " characters" }},
	"min":      {nil, always("is empty; at least one is needed")},
	"required": {nil, always("is missing")},
	"oneof": {nil, func(f validator.FieldError) string {
		return fmt.Sprintf("%q is not a choice; write one of: %s", fmt.Sprint(f.Value()), strings.ReplaceAll(f.Param(), " ", ", "))
	}},
}

func cognitoSentence(f validator.FieldError) string {
	if ours[fmt.Sprint(f.Value())] {
		return fmt.Sprintf("%q holds what has no attribute of its own; map to another attribute", f.Value())
	}
	return fmt.Sprintf("%q is not a Cognito attribute that can be mapped; write a standard one, such as nickname, or custom:NAME with a "+
		"name of at most 20 characters", f.Value())
}

// newValidator wires the rules to the tags; field names in its errors are the keys of the file.
func newValidator() (*validator.Validate, error) {
	v := validator.New(validator.WithRequiredStructEnabled())
	v.RegisterTagNameFunc(keyOf)
	v.RegisterCustomTypeFunc(func(field reflect.Value) any {
		return field.Interface().(Secret).wellFormed()
	}, Secret{})
	for tag, r := range rules {
		if r.check == nil {
			continue
		}
		if err := v.RegisterValidation(tag, func(f validator.FieldLevel) bool { return r.check(f.Field().String()) }); err != nil {
			return nil, fmt.Errorf("registering the rule %s: %w", tag, err)
		}
	}
	if err := v.RegisterValidation("secret", func(f validator.FieldLevel) bool { return f.Field().Bool() }); err != nil {
		return nil, fmt.Errorf("registering the rule secret: %w", err)
	}
	return v, nil
}

// Validate judges everything that the file alone can tell, and names the key of each problem, one a line.
func (c *Config) Validate() error {
	v, err := newValidator()
	if err != nil {
		return err
	}
	var fields validator.ValidationErrors
	switch err := v.Struct(c); {
	case errors.As(err, &fields):
	case err != nil:
		return fmt.Errorf("validating the config: %w", err)
	}
	var problems []error
	for _, f := range fields {
		key := strings.TrimPrefix(f.Namespace(), "Config.")
		problems = append(problems, fmt.Errorf("%s: %s", key, rules[f.Tag()].say(f)))
	}
	return errors.Join(append(problems, c.disagreements()...)...)
}

// CheckKey judges a value for one of the file's own keys, such as listen, which a flag gives instead.
func CheckKey(key, value string) error {
	v, err := newValidator()
	if err != nil {
		return err
	}
	config := reflect.TypeFor[Config]()
	var fields validator.ValidationErrors
	for i := range config.NumField() {
		if f := config.Field(i); keyOf(f) == key && errors.As(v.Var(value, f.Tag.Get("validate")), &fields) {
			return errors.New(rules[fields[0].Tag()].say(fields[0]))
		}
	}
	return nil
}

func isHostPort(s string) bool {
	_, port, err := net.SplitHostPort(s)
	if err != nil {
		return false
	}
	_, err = strconv.ParseUint(port, 10, 16)
	return err == nil
}

func isLoopback(s string) bool {
	host, _, err := net.SplitHostPort(s)
	if err != nil || !isHostPort(s) {
		return false
	}
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
}

func isBaseURL(s string) bool {
	u, ok := httpURL(s)
	return ok && !strings.HasSuffix(strings.TrimRight(u.Path, "/"), "/scim/v2")
}

func isEndpoint(s string) bool {
	u, ok := httpURL(s)
	return ok && strings.Trim(u.Path, "/") == ""
}

// httpURL accepts scheme, host and path, and nothing that would leak or be lost when something is appended.
func httpURL(s string) (*url.URL, bool) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return nil, false
	}
	if _, err := strconv.ParseUint(u.Port(), 10, 16); u.Port() != "" && err != nil {
		return nil, false
	}
	return u, u.User == nil && u.RawQuery == "" && !u.ForceQuery && u.Fragment == "" && !strings.HasSuffix(s, "#")
}

func isPrefix(s string) bool {
	_, err := netip.ParsePrefix(s)
	return err == nil
}

func isStore(s string) bool {
	file, ok := strings.CutPrefix(s, "sqlite:")
	return ok && strings.TrimSpace(file) != "" && !strings.ContainsAny(file, "?\x00")
}

func isInstant(s string) bool {
	_, err := time.Parse(time.RFC3339, s)
	return err == nil
}

func isWindow(s string) bool {
	d, err := time.ParseDuration(s)
	return err == nil && d >= time.Minute && d <= 7*24*time.Hour
}

func isDomain(s string) bool { return len(s) <= 253 && domainForm.MatchString(s) }

func isPoolID(s string) bool { return len(s) <= 55 && poolForm.MatchString(s) }

func isCognito(s string) bool { return !ours[s] && (standard[s] || customForm.MatchString(s)) }
