package bridge

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/schemas"
)

// CheckClients refuses app clients through which people could write custom:scim, where SCIM keeps who they are, whom they
// report to and that they are managed at all, an attribute whose values grant memberships, or the address that is their
// userName; and warns of those that put custom:scim into each ID token, or by which people give themselves an address that
// identity providers take for somebody else's. The error says, client by client, how to mend it.
func (d *Directory) CheckClients(ctx context.Context) error {
	clients, err := appClients(ctx, d.pool)
	if err != nil {
		return fmt.Errorf("whether people can write %s of pool %s through an app client cannot be seen, for which cognito-idp:ListUserPoolClients and "+
			"cognito-idp:DescribeUserPoolClient are needed; if you have seen to it yourself, set clients to \"acknowledge\": %w", schemas.Overflow, d.poolID, err)
	}
	var writable, addressed []string
	for _, c := range clients {
		if d.mayWrite(c) {
			writable = append(writable, d.howToMend(c))
		}
		if d.ownAddress(c) {
			addressed = append(addressed, c.ID)
		}
		d.warnOfReading(c)
	}
	if len(addressed) > 0 {
		d.log.Warn("people can give themselves any e-mail address through an app client, and an identity provider that looks for the address finds them: "+
			"take email out of the client's write attributes, or have the pool verify it first (UserAttributeUpdateSettings)", "clients", addressed)
	}
	if len(writable) == 0 {
		return nil
	}
	what, with := []string{schemas.Overflow}, "their own SCIM record"
	if len(d.granting) > 0 {
		what, with = append(what, d.granting...), with+" or the groups that grants stand for"
	}
	if names := d.naming(); len(names) > 0 {
		what, with = append(what, names...), with+" or whom identity providers take them for (unless the pool verifies an address before it counts: UserAttributeUpdateSettings)"
	}
	return fmt.Errorf("people can write their own %s in pool %s, and with it %s, through %d app client(s); mend each of them with its command, "+
		"which keeps the other settings (Cognito sets back what it is not given), or set clients to \"acknowledge\":\n%s",
		strings.Join(what, " or "), d.poolID, with, len(writable), strings.Join(writable, "\n"))
}

// warnOfReading names a client that puts the overflow into ID tokens. One that does not say what it reads may: see mayWrite.
func (d *Directory) warnOfReading(c cognito.Client) {
	ours, what := among(c.Read, schemas.OverflowNames()), "an app client reads what SCIM keeps, and puts it into each ID token: take it out of the client's read attributes"
	if len(c.Read) == 0 {
		ours, what = schemas.OverflowNames(), "an app client does not say what it reads, and may put what SCIM keeps into each ID token: give it read attributes"
	}
	if len(ours) > 0 {
		// Base64 makes four characters of three bytes (RFC 4648).
		d.log.Warn(what, "client", c.ID, "attributes", ours, "up_to_characters", len(ours)*schemas.MaxValue*4/3)
	}
}

// appClients reads all app clients of a pool; those that are deleted meanwhile are left out.
func appClients(ctx context.Context, pool *cognito.Pool) ([]cognito.Client, error) {
	var all []cognito.Client
	for token := ""; ; {
		page, next, err := pool.ClientsPage(ctx, token)
		if err != nil {
			return nil, err
		}
		for _, c := range page {
			full, err := pool.Client(ctx, c.ID)
			if cognito.KindOf(err) == cognito.ClientNotFound {
				continue
			}
			if err != nil {
				return nil, err
			}
			all = append(all, full)
		}
		if next == "" {
			return all, nil
		}
		token = next
	}
}

// reserved are the attributes that people must not write: SCIM's own, those that grant memberships, and those that name them.
func (d *Directory) reserved() []string {
	return slices.Concat(schemas.OverflowNames(), d.granting, d.naming())
}

// naming are the attributes that hold people's userName, and count before they are verified: whoever takes the address of
// somebody who is yet to be provisioned is who the identity provider then finds.
func (d *Directory) naming() []string {
	return slices.DeleteFunc(slices.Clone(d.style.logins), func(name string) bool { return slices.Contains(d.pool.Info().VerifyBeforeUpdate, name) })
}

// mayWrite reports a client that writes what is reserved. One that does not say what it writes counts as well: AWS documents
// that as the standard attributes, the console and the CDK as all, and people sign up and edit themselves by it. An empty
// list is as good as none (terraform-provider-aws issue 28684).
func (d *Directory) mayWrite(c cognito.Client) bool {
	return len(c.Write) == 0 || len(among(c.Write, d.reserved())) > 0
}

// ownAddress reports a client through which people give themselves an e-mail address that counts before it is verified. Where
// that is their userName, the client is refused.
func (d *Directory) ownAddress(c cognito.Client) bool {
	return !slices.Contains(d.style.logins, "email") && !slices.Contains(d.pool.Info().VerifyBeforeUpdate, "email") && (len(c.Write) == 0 || slices.Contains(c.Write, "email"))
}

// among are those of certain names that are among all.
func among(all, certain []string) []string {
	var found []string
	for _, name := range certain {
		if slices.Contains(all, name) {
			found = append(found, name)
		}
	}
	return found
}

// howToMend is a command that takes what is reserved out of a client's write attributes. UpdateUserPoolClient sets everything
// back that it is not given, so that the command sends what the client has.
func (d *Directory) howToMend(c cognito.Client) string {
	ours := among(c.Write, d.reserved())
	change, why := ".WriteAttributes -= "+list(ours), "writes "+strings.Join(ours, ", ")
	switch len(c.Write) {
	case 0:
		change, why = ".WriteAttributes = "+list(d.writable()), "does not say what it writes"
	case len(ours):
		change = `.WriteAttributes = ["updated_at"]` // of no use to anybody: an empty list would be none
	}
	return fmt.Sprintf("  client %s (%q) %s:\n    aws cognito-idp describe-user-pool-client --user-pool-id %s --client-id %s --query UserPoolClient --output json | "+
		"jq 'del(.ClientSecret, .CreationDate, .LastModifiedDate) | %s' >client.json && aws cognito-idp update-user-pool-client --cli-input-json file://client.json",
		c.ID, c.Name, why, d.poolID, c.ID, change)
}

// list writes names as JSON.
func list(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = strconv.Quote(name)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// writable are the attributes that a client may write by default, but for those that are reserved.
func (d *Directory) writable() []string {
	var names []string
	for name, a := range d.pool.Info().Attributes {
		if a.Mutable && !strings.Contains(name, ":") && !strings.HasSuffix(name, "_verified") && name != "sub" && name != "identities" &&
			!slices.Contains(d.reserved(), name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
