package bridge

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"

	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/schemas"
)

// CheckClients refuses app clients through which people could write custom:scim, where SCIM keeps who they are, whom they
// report to and that they are managed at all; and warns of those that put it into each ID token, or by which people give
// themselves an address that identity providers take for somebody else's. The error says, client by client, how to mend it.
func CheckClients(ctx context.Context, pool *cognito.Pool, logger *slog.Logger) error {
	id := pool.Info().ID
	clients, err := appClients(ctx, pool)
	if err != nil {
		return fmt.Errorf("whether people can write %s of pool %s through an app client cannot be seen, for which cognito-idp:ListUserPoolClients and "+
			"cognito-idp:DescribeUserPoolClient are needed; if you have seen to it yourself, set clients to \"acknowledge\": %w", schemas.Overflow, id, err)
	}
	var writable []string
	for _, c := range clients {
		if mayWrite(c) {
			writable = append(writable, howToMend(pool.Info(), c))
		}
		warnOfReading(id, c, logger)
	}
	var addressed []string
	for _, c := range clients {
		if ownAddress(pool.Info(), c) {
			addressed = append(addressed, c.ID)
		}
	}
	if len(addressed) > 0 {
		logger.Warn("people can give themselves any e-mail address through an app client, and an identity provider that looks for the address, or, where it "+
			"is the username, for the userName, finds them: take email out of the client's write attributes, or have the pool verify it first "+
			"(UserAttributeUpdateSettings)", "pool", id, "clients", addressed)
	}
	if len(writable) == 0 {
		return nil
	}
	return fmt.Errorf("people can write their own %s in pool %s, and with it their own SCIM record, through %d app client(s); mend each of them with its command, "+
		"which keeps the other settings (Cognito sets back what it is not given), or set clients to \"acknowledge\":\n%s", schemas.Overflow, id, len(writable), strings.Join(writable, "\n"))
}

// warnOfReading names a client that puts the overflow into ID tokens. One that does not say what it reads may: see mayWrite.
func warnOfReading(pool string, c cognito.Client, logger *slog.Logger) {
	ours, what := overflows(c.Read), "an app client reads what SCIM keeps, and puts it into each ID token: take it out of the client's read attributes"
	if len(c.Read) == 0 {
		ours, what = schemas.OverflowNames(), "an app client does not say what it reads, and may put what SCIM keeps into each ID token: give it read attributes"
	}
	if len(ours) > 0 {
		// Base64 makes four characters of three bytes (RFC 4648).
		logger.Warn(what, "pool", pool, "client", c.ID, "attributes", ours, "up_to_characters", len(ours)*schemas.MaxValue*4/3)
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

// mayWrite reports a client that writes the overflow. One that does not say what it writes counts as well: AWS documents
// that as the standard attributes, the console and the CDK as all, and people sign up and edit themselves by it. An empty
// list is as good as none (terraform-provider-aws issue 28684).
func mayWrite(c cognito.Client) bool { return len(c.Write) == 0 || len(overflows(c.Write)) > 0 }

// ownAddress reports a client through which people give themselves an e-mail address that counts before it is verified.
func ownAddress(info cognito.Info, c cognito.Client) bool {
	return !slices.Contains(info.VerifyBeforeUpdate, "email") && (c.Write == nil || slices.Contains(c.Write, "email"))
}

// overflows are the attributes among names that are SCIM's own.
func overflows(names []string) []string {
	var found []string
	for _, name := range schemas.OverflowNames() {
		if slices.Contains(names, name) {
			found = append(found, name)
		}
	}
	return found
}

// howToMend is a command that takes the overflow out of a client's write attributes. UpdateUserPoolClient sets everything
// back that it is not given, so that the command sends what the client has.
func howToMend(info cognito.Info, c cognito.Client) string {
	ours := overflows(c.Write)
	change, why := ".WriteAttributes -= "+list(ours), "writes "+strings.Join(ours, ", ")
	switch len(c.Write) {
	case 0:
		change, why = ".WriteAttributes = "+list(standardNames(info)), "does not say what it writes"
	case len(ours):
		change = `.WriteAttributes = ["updated_at"]` // of no use to anybody: an empty list would be none
	}
	return fmt.Sprintf("  client %s (%q) %s:\n    aws cognito-idp describe-user-pool-client --user-pool-id %s --client-id %s --query UserPoolClient --output json | "+
		"jq 'del(.ClientSecret, .CreationDate, .LastModifiedDate) | %s' >client.json && aws cognito-idp update-user-pool-client --cli-input-json file://client.json",
		c.ID, c.Name, why, info.ID, c.ID, change)
}

// list writes names as JSON.
func list(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = strconv.Quote(name)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// standardNames are the attributes that a client may write by default.
func standardNames(info cognito.Info) []string {
	var names []string
	for name, a := range info.Attributes {
		if a.Mutable && !strings.Contains(name, ":") && !strings.HasSuffix(name, "_verified") && name != "sub" && name != "identities" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
