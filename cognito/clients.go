package cognito

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
)

// Client is an app client, through which people sign in. Its secret is not kept.
type Client struct {
	ID, Name string
	// Read and Write are the attributes that people see, and change, of themselves
	// through the client. Nil: the client does not say, which AWS documents as all
	// standard ones; nil in a list, too.
	Read, Write []string
}

// ClientsPage lists app clients by id and name, 60 at most (ListUserPoolClients).
// Tokens are as for UsersPage.
func (p *Pool) ClientsPage(ctx context.Context, token string) (clients []Client, next string, err error) {
	out, err := call(ctx, p, listUserPoolClients, "", (*cip.Client).ListUserPoolClients,
		&cip.ListUserPoolClientsInput{UserPoolId: &p.id, MaxResults: aws.Int32(pageSize), NextToken: optional(token)})
	if err != nil {
		return nil, "", err
	}
	for _, c := range out.UserPoolClients {
		clients = append(clients, Client{ID: aws.ToString(c.ClientId), Name: aws.ToString(c.ClientName)})
	}
	return clients, aws.ToString(out.NextToken), nil
}

// Client reads one app client (DescribeUserPoolClient). ClientNotFound: there is none.
func (p *Pool) Client(ctx context.Context, id string) (Client, error) {
	out, err := call(ctx, p, describeUserPoolClient, "", (*cip.Client).DescribeUserPoolClient,
		&cip.DescribeUserPoolClientInput{UserPoolId: &p.id, ClientId: &id})
	if err != nil {
		return Client{}, err
	}
	if out.UserPoolClient == nil {
		return Client{}, &Error{Op: describeUserPoolClient.name, Kind: Unavailable, Message: "the answer holds no app client"}
	}
	c := out.UserPoolClient
	return Client{ID: id, Name: aws.ToString(c.ClientName), Read: c.ReadAttributes, Write: c.WriteAttributes}, nil
}
