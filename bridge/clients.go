package bridge

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/schemas"
)

// CheckClients refuses app clients through which people could write custom:scim, where SCIM keeps who they are, whom they
// report to and that they are managed at all; and warns of those that put it into each ID token. The error says, client by
// client, how to mend it.
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
		if n := len(overflows(c.Read)); n > 0 {
			// Base64 makes four characters of three bytes (RFC 4648).
			logger.Warn("an app client reads what SCIM keeps, and puts it into each ID token: take it out of the client's read attributes",
				"pool", id, "client", c.ID, "attributes", overflows(c.Read), "up_to_characters", n*schemas.MaxValue*4/3)
		}
	}
	if len(writable) == 0 {
		return nil
	}
	return fmt.Errorf("people can write their own %s in pool %s, and with it their own SCIM record, through %d app client(s); mend each of them, "+
		"or set clients to \"acknowledge\":\n%s", schemas.Overflow, id, len(writable), strings.Join(writable, "\n"))
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
			if cognito.KindOf(err) == cognito.PoolNotFound {
				continue // "User pool client … does not exist"
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
// that as the standard attributes, its own tools (the CDK) as all, and people sign up and edit themselves by it.
func mayWrite(c cognito.Client) bool { return c.Write == nil || len(overflows(c.Write)) > 0 }

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
	change := `.WriteAttributes |= map(select(startswith("` + schemas.Overflow + `") | not))`
	why := "writes " + strings.Join(overflows(c.Write), ", ")
	if c.Write == nil {
		change, why = ".WriteAttributes = "+standardNames(info), "does not say what it writes"
	}
	return fmt.Sprintf("  client %s (%s) %s: aws cognito-idp describe-user-pool-client --user-pool-id %s --client-id %s --query UserPoolClient | "+
		"jq 'del(.ClientSecret, .CreationDate, .LastModifiedDate) | %s' >client.json && aws cognito-idp update-user-pool-client --cli-input-json file://client.json "+
		"(which keeps its other settings; without them Cognito would set them back)", c.ID, c.Name, why, info.ID, c.ID, change)
}

// standardNames are the attributes that a client may write by default, as JSON.
func standardNames(info cognito.Info) string {
	var names []string
	for name, a := range info.Attributes {
		if a.Mutable && !strings.Contains(name, ":") && !strings.HasSuffix(name, "_verified") && name != "sub" && name != "identities" {
			names = append(names, `"`+name+`"`)
		}
	}
	slices.Sort(names)
	return "[" + strings.Join(names, ", ") + "]"
}
