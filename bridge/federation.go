package bridge

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/schemas"
)

// FederationConfig says how people who are provisioned sign in through an identity provider of the pool. Directory is
// required.
type FederationConfig struct {
	Directory *Directory
	// Provider is the identity provider's name in the pool. NoProvider: people are not linked, and that is known. Empty:
	// nobody has said, which is right for pools without identity providers only.
	Provider string
	// SubjectFrom is the path of the SCIM attribute that holds what Attribute says of a person, letter by letter.
	SubjectFrom string
	// Attribute is what the provider recognises a person by: cognito.Subject, or one that it maps.
	Attribute string
	// ReplaceProfile: a federated profile that stands in the way of a link is deleted, and its sub with it. Otherwise it is
	// a conflict.
	ReplaceProfile bool
	// Logger is told at the start what of the provider's attribute mapping meddles with ours. nil: slog.Default().
	Logger *slog.Logger
}

// NoProvider acknowledges that a pool has identity providers and that nobody is linked.
const NoProvider = "none"

// Federation is a connection's way to let people sign in as the users that it provisions. nil: there is none.
type Federation struct {
	provider string
	form     link // what all links have in common
	subject  *schemas.Selector
}

// OpenFederation checks the configuration against the pool. It returns nil when people are not to be linked. The error is
// one sentence for the operator that says what to do.
func OpenFederation(ctx context.Context, cfg FederationConfig) (*Federation, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	pool, id := cfg.Directory.pool, cfg.Directory.poolID
	if cfg.Provider == NoProvider {
		return nil, nil
	}
	names, err := providers(ctx, pool)
	if err != nil {
		return nil, fmt.Errorf("whether people sign in to pool %s through identity providers cannot be seen, for which cognito-idp:ListIdentityProviders "+
			"is needed; if nobody shall be linked, set federation.provider to %q: %w", id, NoProvider, err)
	}
	switch {
	case cfg.Provider == "" && len(names) == 0:
		return nil, nil
	case cfg.Provider == "":
		return nil, fmt.Errorf("pool %s has identity providers (%s), and federation does not say whether people sign in through one: set federation.provider, "+
			"so that they find what is provisioned here, or to %q if they sign in with passwords only", id, strings.Join(names, ", "), NoProvider)
	case !slices.Contains(names, cfg.Provider):
		return nil, fmt.Errorf("federation.provider: pool %s has no identity provider %q; it has: %s", id, cfg.Provider, cmp.Or(strings.Join(names, ", "), "none at all"))
	}
	provider, err := pool.Provider(ctx, cfg.Provider)
	if err != nil {
		return nil, fmt.Errorf("what identity provider %s of pool %s maps cannot be read, for which cognito-idp:DescribeIdentityProvider is needed: %w",
			cfg.Provider, id, err)
	}
	f := &Federation{provider: cfg.Provider}
	if f.subject, err = schemas.NewSelector(cfg.Directory.cfg.Types.Users, cfg.SubjectFrom); err != nil {
		return nil, fmt.Errorf("federation.subjectFrom: %q cannot name people to an identity provider: %w", cfg.SubjectFrom, err)
	}
	f.form = link{External: cognito.External{Provider: cfg.Provider, Attribute: cfg.Attribute}, Replace: cfg.ReplaceProfile}
	if f.form.Search, err = searchable(provider, cfg.Attribute); err != nil {
		return nil, err
	}
	if name := f.form.Search; name != "" && !slices.Contains(listable, name) {
		cfg.Logger.Warn("federated profiles cannot be found by this attribute, which Cognito does not search by: they are neither replaced nor stopped",
			"pool", id, "provider", cfg.Provider, "attribute", name)
	}
	cfg.Directory.federations.add(f)
	return f, cfg.meddling(provider)
}

// federations are those of all connections of a directory: what keeps people out is done at each provider, whichever
// connection asks for it.
type federations struct {
	mu  sync.Mutex
	all []*Federation
}

func (fs *federations) add(f *Federation) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.all = append(fs.all, f)
}

func (fs *federations) each() []*Federation {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return slices.Clone(fs.all)
}

// attributes are what links to a provider are made with, but for the subject.
func (fs *federations) attributes(provider string) []string {
	var names []string
	for _, f := range fs.each() {
		if a := f.form.Attribute; f.provider == provider && a != cognito.Subject && !slices.Contains(names, a) {
			names = append(names, a)
		}
	}
	return names
}

// providers are the names of a pool's identity providers.
func providers(ctx context.Context, pool *cognito.Pool) ([]string, error) {
	var names []string
	for token := ""; ; {
		page, next, err := pool.ProvidersPage(ctx, token)
		if err != nil {
			return nil, err
		}
		for _, p := range page {
			names = append(names, p.Name)
		}
		if next == "" {
			return names, nil
		}
		token = next
	}
}

// searchable is the pool attribute in which a provider's federated profiles hold what a link recognises people by: "" for
// the subject, which is in their Username.
func searchable(provider cognito.Provider, attribute string) (string, error) {
	if attribute == cognito.Subject {
		return "", nil
	}
	if provider.Type != "SAML" && provider.Type != "OIDC" {
		return "", fmt.Errorf("federation.attribute: %s is a provider of type %s, which knows people by %s only", provider.Name, provider.Type, cognito.Subject)
	}
	if provider.Mapping[attribute] != "" {
		return attribute, nil // also where it is a claim that is mapped to another
	}
	for _, name := range slices.Sorted(maps.Keys(provider.Mapping)) {
		if provider.Mapping[name] == attribute {
			return name, nil
		}
	}
	return "", fmt.Errorf("federation.attribute: identity provider %s does not map %q; write %s, or one of what it maps: %s",
		provider.Name, attribute, cognito.Subject, cmp.Or(strings.Join(slices.Sorted(maps.Keys(provider.Mapping)), ", "), "nothing yet"))
}

// meddling names what of the provider's attribute mapping, which Cognito applies anew at each sign-in, gets in the way of
// what SCIM writes. What would destroy something is an error.
func (cfg FederationConfig) meddling(provider cognito.Provider) error {
	d := cfg.Directory
	info := d.pool.Info()
	var overwritten []string
	for _, name := range slices.Sorted(maps.Keys(provider.Mapping)) {
		attribute, known := info.Attributes[name]
		switch {
		case strings.HasPrefix(name, schemas.Overflow):
			return fmt.Errorf("identity provider %s of pool %s maps %q to %s, which would overwrite at each sign-in what SCIM keeps there: "+
				"take that row out of the provider's attribute mapping", provider.Name, d.poolID, provider.Mapping[name], name)
		case known && !attribute.Mutable:
			return fmt.Errorf("identity provider %s of pool %s maps %q to %s, which is immutable in this pool: Cognito refuses links, and every sign-in "+
				"but the first; take that row out of the provider's attribute mapping", provider.Name, d.poolID, provider.Mapping[name], name)
		case slices.Contains(d.mapping.Cognito(), name):
			overwritten = append(overwritten, name)
		}
	}
	if len(overwritten) > 0 {
		cfg.Logger.Warn("each sign-in overwrites attributes that SCIM writes, too: see that both come from the same source, or take them out of the provider's mapping",
			"pool", d.poolID, "provider", provider.Name, "attributes", overwritten)
	}
	if provider.Mapping["email"] != "" && provider.Mapping["email_verified"] == "" {
		cfg.Logger.Warn("each sign-in makes the e-mail address unverified, because the provider maps email without email_verified",
			"pool", d.poolID, "provider", provider.Name)
	}
	return nil
}

// person is the link that r asks for; nil when r does not say who it is to the identity provider.
func (f *Federation) person(r schemas.Resource) *link {
	if f == nil {
		return nil
	}
	l := f.form
	if l.Value = f.subject.Of(r); l.Value == "" {
		return nil
	}
	return &l
}

// nobody is the error of a user whom the identity provider could not be told about.
func (f *Federation) nobody() error {
	return &Error{Kind: Invalid, Detail: fmt.Sprintf("%s is needed: it is what people are recognised by when they sign in through %s", f.subject, f.provider)}
}

// unlikeProfiles refuses a new user's name that is some provider's to give, where it would be the Username.
func (d *Directory) unlikeProfiles(userName string) error {
	if !d.style.takes(userName) {
		return nil
	}
	for _, f := range d.federations.each() {
		if prefix := f.provider + "_"; strings.HasPrefix(fold(userName), fold(prefix)) {
			return &Error{Kind: Invalid, Detail: fmt.Sprintf("userName: names that begin with %s are for Cognito's profiles of people who sign in through %s",
				prefix, f.provider)}
		}
	}
	return nil
}

// newcomer is the link that a user who is to be created shall have, if the connection has a federation.
func (f *Federation) newcomer(r schemas.Resource) ([]link, error) {
	if f == nil {
		return nil, nil
	}
	l := f.person(r)
	if l == nil {
		return nil, f.nobody()
	}
	l.Must = true
	return []link{*l}, nil
}
