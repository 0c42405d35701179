package emulator

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// PoolConfig describes a pool that CreatePool makes without going over the wire.
type PoolConfig struct {
	// ID is the pool's id: a region, an underscore, letters and digits. Empty means a drawn one.
	ID string
	// Name is the pool's display name. Empty means the ID.
	Name string
	// CustomAttributes are added to the standard attributes.
	CustomAttributes []CustomAttribute
	// UsernameAttributes (email, phone_number) makes people sign in with these instead of a username: the Username is then the sub.
	UsernameAttributes []string
	// AliasAttributes (email, phone_number, preferred_username) lets people sign in with these beside their username.
	// At most one of AliasAttributes and UsernameAttributes may be set.
	AliasAttributes []string
	// CaseInsensitive makes usernames, e-mail and preferred_username count, and be returned, in lower case. The zero value is
	// CreateUserPool's default; the AWS console makes case-insensitive pools.
	CaseInsensitive bool
	// AdminOnly is AdminCreateUserConfig.AllowAdminCreateUserOnly: people cannot sign up themselves. The zero value is CreateUserPool's
	// default. Signing up is not emulated, so it is only reported.
	AdminOnly bool
	// Required names standard attributes that must have a value.
	Required []string
	// Immutable names standard attributes that cannot change after creation.
	Immutable []string
	// AutoVerified (email, phone_number) is reported by DescribeUserPool; no message is ever sent.
	AutoVerified []string
	// VerifyBeforeUpdate (email, phone_number) keeps the old value of these until the new one is verified, which here never happens,
	// unless the update says that it is. They must be AutoVerified, too.
	VerifyBeforeUpdate []string
}

// CustomAttribute is a row that PoolConfig adds to the schema. It is a mutable String of at most 2,048 characters unless said otherwise.
type CustomAttribute struct {
	Name      string // without custom:, 1 to 20 characters
	Kind      string // String, Number, DateTime or Boolean. Empty means String.
	Immutable bool
	MaxLength int64 // of a String, in characters. 0 means 2,048.
}

// pool is one user pool. Its mutex guards all of it; it is held for look-ups and changes, never while rendering or waiting.
type pool struct {
	sync.Mutex
	id, name, arn string
	created       epoch
	modified      epoch
	schema        *schema
	caseSensitive bool
	userNames     []string // UsernameAttributes
	aliasNames    []string // AliasAttributes
	signIn        []string // whichever of the two is set
	policy        passwordPolicy
	described     poolSettings
	lag           time.Duration
	unverified    Unverified

	nextSeq uint64
	users   map[string]*user // by username
	subs    map[string]*user
	aliases map[claim]*user
	search  search
	pending []pending

	groups     map[string]*group
	groupsSeen sortedList[*group] // by name: what group reads see

	providers  map[string]*provider
	links      map[source]*link
	clients    map[string]*client
	sessions   map[string]*session // by refresh token and by each access token
	challenges map[string]challenge
}

// poolSettings are what a pool was created with and only reports again.
type poolSettings struct {
	AutoVerifiedAttributes      []string `json:",omitempty"`
	DeletionProtection          string
	MfaConfiguration            string
	UserPoolTier                string
	UserPoolTags                map[string]string `json:",omitempty"`
	UserAttributeUpdateSettings *updateSettings   `json:",omitempty"`
	AdminCreateUserConfig       adminCreateUserConfig
}

func (p *pool) usernameIsAlias() bool { return len(p.userNames) > 0 }

// CreatePool makes a pool. The error says which field of c is wrong, or that the id is taken.
func (e *Emulator) CreatePool(c PoolConfig) error {
	in := createUserPoolInput{
		PoolName:               cmp.Or(c.Name, c.ID, "pool"),
		AliasAttributes:        c.AliasAttributes,
		UsernameAttributes:     c.UsernameAttributes,
		UsernameConfiguration:  &usernameConfiguration{CaseSensitive: !c.CaseInsensitive},
		AutoVerifiedAttributes: c.AutoVerified,
		AdminCreateUserConfig:  &adminCreateUserConfig{AllowAdminCreateUserOnly: c.AdminOnly},
	}
	if c.VerifyBeforeUpdate != nil {
		in.UserAttributeUpdateSettings = &updateSettings{c.VerifyBeforeUpdate}
	}
	if err := c.check(); err != nil {
		return fmt.Errorf("creating pool %q: %w", c.ID, err)
	}
	for _, a := range c.CustomAttributes {
		mutable := !a.Immutable
		row := schemaAttribute{Name: a.Name, AttributeDataType: a.Kind, Mutable: &mutable}
		if a.MaxLength > 0 {
			row.StringAttributeConstraints = &stringConstraints{MaxLength: strconv.FormatInt(a.MaxLength, 10)}
		}
		in.Schema = append(in.Schema, row)
	}
	for name, a := range c.standardRows() {
		in.Schema = append(in.Schema, schemaAttribute{Name: name, Mutable: &a.mutable, Required: a.required})
	}
	if _, err := e.newPool(&in, c.ID); err != nil {
		return fmt.Errorf("creating pool %q: %w", c.ID, err)
	}
	return nil
}

// check holds c against the constraints that CreateUserPool's input meets on the wire.
func (c PoolConfig) check() error {
	var broken []string
	check := func(shape, field, value string) {
		shapes[shape].checkString(value, func(rule string) { broken = append(broken, fmt.Sprintf("%s %q: %s", field, value, rule)) })
	}
	for _, a := range c.CustomAttributes {
		check("CustomAttributeNameType", "CustomAttributes", a.Name)
		check("AttributeDataType", "CustomAttributes."+a.Name, cmp.Or(a.Kind, "String"))
	}
	for _, name := range c.UsernameAttributes {
		check("UsernameAttributeType", "UsernameAttributes", name)
	}
	for _, name := range c.AliasAttributes {
		check("AliasAttributeType", "AliasAttributes", name)
	}
	for _, name := range slices.Concat(c.AutoVerified, c.VerifyBeforeUpdate) {
		check("VerifiedAttributeType", "AutoVerified", name)
	}
	standard := standardSchema()
	for _, name := range slices.Concat(c.Required, c.Immutable) {
		if row := standard.byName[name]; row == nil || row.readOnly {
			broken = append(broken, fmt.Sprintf("%q is not a standard attribute", name))
		}
	}
	if broken != nil {
		return errors.New(strings.Join(broken, "; "))
	}
	return nil
}

// standardRows collects what c says of standard attributes.
func (c PoolConfig) standardRows() map[string]struct{ mutable, required bool } {
	rows := map[string]struct{ mutable, required bool }{}
	for _, name := range slices.Concat(c.Required, c.Immutable) {
		rows[name] = struct{ mutable, required bool }{!slices.Contains(c.Immutable, name), slices.Contains(c.Required, name)}
	}
	return rows
}

// newPool makes a pool from CreateUserPool's input; an empty id is drawn.
func (e *Emulator) newPool(in *createUserPoolInput, id string) (*pool, error) {
	if id == "" {
		id = e.cfg.Region + "_" + e.token(9, alphanum)
	} else if c := shapes["UserPoolIdType"]; !c.matches.MatchString(id) || len(id) > int(c.max) {
		return nil, invalidParameter("the id %q does not match %s", id, c.pattern)
	}
	if len(in.AliasAttributes) > 0 && len(in.UsernameAttributes) > 0 {
		return nil, invalidParameter("Only one of the aliasAttributes or usernameAttributes can be set in a user pool.")
	}
	if u := in.UserAttributeUpdateSettings; u != nil {
		for _, name := range u.AttributesRequireVerificationBeforeUpdate {
			if !slices.Contains(in.AutoVerifiedAttributes, name) {
				return nil, invalidParameter("Attribute %s must be auto-verified to be verified before an update.", name)
			}
		}
	}
	s := standardSchema()
	for _, a := range in.Schema {
		var err error
		if s, err = a.addTo(s); err != nil {
			return nil, err
		}
	}
	p := e.emptyPool(id, in.PoolName, s)
	p.styled(in.UsernameAttributes, in.AliasAttributes)
	p.policy, p.described = in.Policies.password(), in.settings()
	if in.UsernameConfiguration != nil {
		p.caseSensitive = in.UsernameConfiguration.CaseSensitive
	}
	e.pools.Lock()
	defer e.pools.Unlock()
	if e.pools.byID[id] != nil {
		return nil, invalidParameter("a pool with the id %s exists", id)
	}
	e.pools.byID[id] = p
	return p, nil
}

// emptyPool makes a case-sensitive pool of plain usernames that nobody else knows of yet.
func (e *Emulator) emptyPool(id, name string, s *schema) *pool {
	now := epochOf(e.Now())
	p := &pool{
		id: id, name: name, created: now, modified: now, schema: s, caseSensitive: true,
		arn: fmt.Sprintf("arn:aws:cognito-idp:%s:%s:userpool/%s", e.cfg.Region, e.cfg.Account, id),
		lag: e.cfg.Lag, unverified: e.cfg.Unverified,
		users: map[string]*user{}, subs: map[string]*user{}, aliases: map[claim]*user{}, search: newSearch(e.cfg.Unverified),
		groups: map[string]*group{}, providers: map[string]*provider{}, links: map[source]*link{}, clients: map[string]*client{},
		sessions: map[string]*session{}, challenges: map[string]challenge{},
	}
	p.groupsSeen.compare = func(a, b *group) int { return cmp.Compare(p.foldGroup(a.name), p.foldGroup(b.name)) }
	return p
}

// styled sets what people sign in with, beside or instead of a username.
func (p *pool) styled(userNames, aliasNames []string) {
	p.userNames, p.aliasNames, p.signIn = userNames, aliasNames, slices.Concat(userNames, aliasNames)
}

// addTo adds the row to a new pool's schema: standard attributes are adjusted, others are custom ones.
func (a schemaAttribute) addTo(s *schema) (*schema, error) {
	standard := s.byName[a.Name]
	if standard == nil || strings.Contains(a.Name, ":") {
		return a.addCustomTo(s)
	}
	if a.AttributeDataType != "" && a.AttributeDataType != standard.kind || a.DeveloperOnlyAttribute {
		return nil, invalidParameter("%s: You can not change AttributeDataType or set developerOnlyAttribute for standard schema attribute %s", a.Name, a.Name)
	}
	row := *standard
	row.mutable, row.required = a.Mutable == nil || *a.Mutable, a.Required
	if err := row.bound(a); err != nil {
		return nil, err
	}
	return s.withRow(&row), nil
}

// addCustomTo adds the row as custom:<name>, or dev:custom:<name>.
func (a schemaAttribute) addCustomTo(s *schema) (*schema, error) {
	row := &attribute{
		name: "custom:" + a.Name, kind: cmp.Or(a.AttributeDataType, "String"),
		mutable: a.Mutable == nil || *a.Mutable, developer: a.DeveloperOnlyAttribute,
	}
	if row.developer {
		row.name = "dev:" + row.name
	}
	switch {
	case a.Name == "":
		return nil, invalidParameter("1 validation error detected: Value null at 'name' failed to satisfy constraint: Member must not be null")
	case a.Required:
		return nil, invalidParameter("%s: Required custom attributes are not supported currently.", row.name)
	case s.byName[row.name] != nil:
		return nil, invalidParameter("%s: Existing attribute already has name %s.", row.name, row.name)
	}
	if row.kind == "String" {
		row.bounded, row.most = true, 2048
	}
	if err := row.bound(a); err != nil {
		return nil, err
	}
	return s.withRow(row), nil
}

// bound applies the constraints of a schema row.
func (a *attribute) bound(in schemaAttribute) error {
	set := func(what, value string, to *int64) error {
		if value == "" {
			return nil
		}
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil || a.kind == "String" && (n < 0 || n > 2048) {
			return invalidParameter("%s: %s %q is not a number in range", a.name, what, value)
		}
		a.bounded, *to = true, n
		return nil
	}
	if c := in.StringAttributeConstraints; c != nil && a.kind == "String" {
		return cmp.Or(set("minLength", c.MinLength, &a.least), set("maxLength", c.MaxLength, &a.most))
	}
	if c := in.NumberAttributeConstraints; c != nil && a.kind == "Number" {
		a.least, a.most = -1<<63, 1<<63-1
		return cmp.Or(set("minValue", c.MinValue, &a.least), set("maxValue", c.MaxValue, &a.most))
	}
	return nil
}
