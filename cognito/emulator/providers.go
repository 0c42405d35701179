package emulator

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// Inputs and outputs of the operations on identity providers, by the model's names.
type (
	createProviderInput struct {
		ofPool
		ProviderName     string            `aws:"ProviderNameTypeV2,required"`
		ProviderType     string            `aws:"IdentityProviderTypeType,required"`
		ProviderDetails  map[string]string `aws:"ProviderDetailsType,required"`
		AttributeMapping map[string]string `aws:"AttributeMappingType"`
		IdpIdentifiers   []string          `aws:"IdpIdentifiersListType"`
	}
	ofProvider struct {
		ofPool
		ProviderName string `aws:"ProviderNameType,required"`
	}
	listProvidersInput struct {
		ofPool
		MaxResults *int64 `aws:"ListProvidersLimitType"`
		NextToken  string `aws:"PaginationKeyType"`
	}
	providerOutput struct {
		UserPoolId, ProviderName, ProviderType string
		ProviderDetails                        map[string]string
		AttributeMapping                       map[string]string `json:",omitempty"`
		IdpIdentifiers                         []string          `json:",omitempty"`
		LastModifiedDate, CreationDate         epoch
	}
	gotProvider     struct{ IdentityProvider providerOutput }
	providerSummary struct {
		ProviderName, ProviderType     string
		LastModifiedDate, CreationDate epoch
	}
	listedProviders struct {
		Providers []providerSummary
		NextToken string `json:",omitempty"`
	}
)

// provider is an identity provider that a pool trusts. It is never changed.
type provider struct {
	name, kind       string
	details, mapping map[string]string // mapping: pool attribute → the provider's claim
	identifiers      []string
	created          epoch
}

// neededDetails are the keys of ProviderDetails without which a provider of a type cannot work (reference of CreateIdentityProvider).
// SAML needs one of two, which is checked apart.
var neededDetails = map[string][]string{
	"Facebook":        {"client_id", "client_secret", "authorize_scopes"},
	"Google":          {"client_id", "client_secret", "authorize_scopes"},
	"LoginWithAmazon": {"client_id", "client_secret", "authorize_scopes"},
	"SignInWithApple": {"client_id", "team_id", "key_id", "private_key", "authorize_scopes"},
	"OIDC":            {"client_id", "attributes_request_method", "oidc_issuer", "authorize_scopes"},
}

// maxProviders is a pool's quota of identity providers.
const maxProviders = 300

func (e *Emulator) createIdentityProvider(in *createProviderInput) (any, error) {
	return e.withPool(in.UserPoolId, func(p *pool, now time.Time) (any, error) {
		switch {
		case p.providers[in.ProviderName] != nil:
			return nil, clientError("DuplicateProviderException", "A provider already exists with the name %s.", in.ProviderName)
		case in.ProviderName == "Cognito" || in.ProviderName == "COGNITO":
			return nil, invalidParameter("The provider name %s is reserved.", in.ProviderName)
		case len(p.providers) >= maxProviders:
			return nil, limitExceeded("Exceeded the limit of %d identity providers in a user pool.", maxProviders)
		case in.ProviderType == "SAML" && in.ProviderDetails["MetadataURL"] == "" && in.ProviderDetails["MetadataFile"] == "":
			return nil, invalidParameter("MetadataURL or MetadataFile is required in ProviderDetails")
		}
		for _, key := range neededDetails[in.ProviderType] {
			if in.ProviderDetails[key] == "" {
				return nil, invalidParameter("%s is required in ProviderDetails", key)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(in.AttributeMapping)) {
			if row := p.schema.byName[name]; name != "username" && (row == nil || row.readOnly) {
				return nil, invalidParameter("Invalid AttributeMapping: %s is not an attribute of the user pool", name)
			}
		}
		v := &provider{in.ProviderName, in.ProviderType, in.ProviderDetails, in.AttributeMapping, in.IdpIdentifiers, epochOf(now)}
		p.providers[v.name] = v
		return gotProvider{v.output(p)}, nil
	})
}

func (v *provider) output(p *pool) providerOutput {
	return providerOutput{p.id, v.name, v.kind, v.details, v.mapping, v.identifiers, v.created, v.created}
}

// provider finds an identity provider of the pool.
func (p *pool) provider(name string) (*provider, error) {
	if v := p.providers[name]; v != nil {
		return v, nil
	}
	return nil, resourceNotFound("Identity provider %s does not exist.", name)
}

func (e *Emulator) describeIdentityProvider(in *ofProvider) (any, error) {
	return e.withPool(in.UserPoolId, func(p *pool, _ time.Time) (any, error) {
		v, err := p.provider(in.ProviderName)
		if err != nil {
			return nil, err
		}
		return gotProvider{v.output(p)}, nil
	})
}

func (e *Emulator) listIdentityProviders(in *listProvidersInput) (any, error) {
	scope := "providers " + in.UserPoolId
	after, err := e.openToken(in.NextToken, scope, "")
	if err != nil {
		return nil, err
	}
	return e.withPool(in.UserPoolId, func(p *pool, _ time.Time) (any, error) {
		out := listedProviders{Providers: []providerSummary{}}
		byName := slices.SortedFunc(maps.Values(p.providers), func(a, b *provider) int { return cmp.Compare(a.name, b.name) })
		for _, v := range byName {
			if v.name <= after.Key {
				continue
			}
			if n := len(out.Providers); n == limit(in.MaxResults) {
				out.NextToken = e.sealToken(scope, "", mark{Key: out.Providers[n-1].ProviderName})
				break
			}
			out.Providers = append(out.Providers, providerSummary{v.name, v.kind, v.created, v.created})
		}
		return out, nil
	})
}

// deleteIdentityProvider removes a provider and the links to it; profiles and the provider's group stay.
func (e *Emulator) deleteIdentityProvider(in *ofProvider) (any, error) {
	return e.withPool(in.UserPoolId, func(p *pool, now time.Time) (any, error) {
		if _, err := p.provider(in.ProviderName); err != nil {
			return nil, err
		}
		for _, l := range p.links {
			if l.source.provider == in.ProviderName {
				if err := p.unlink(l, now); err != nil {
					return nil, err
				}
			}
		}
		delete(p.providers, in.ProviderName)
		return nil, nil
	})
}
