package bridge_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"github.com/scim-cognito/scim-cognito/bench/audit"
	"github.com/scim-cognito/scim-cognito/bridge"
	"github.com/scim-cognito/scim-cognito/cognito"
)

// meanwhile does something before the first call of an operation reaches the emulator.
type meanwhile struct {
	inProcess
	operation string
	once      sync.Once
	do        func()
}

func (m *meanwhile) RoundTrip(request *http.Request) (*http.Response, error) {
	if strings.HasSuffix(request.Header.Get("X-Amz-Target"), "."+m.operation) {
		m.once.Do(m.do)
	}
	return m.inProcess.RoundTrip(request)
}

// All clients of a pool are read, however many; one that is deleted meanwhile is no trouble.
func TestEveryAppClientIsRead(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *rigConfig) { c.cold = true })
	client := audit.Client(r.emulator)
	var ids []string
	for i := range 130 {
		writes := []string{"email"}
		if i%50 == 0 {
			writes = []string{"custom:scim"}
		}
		out, err := client.CreateUserPoolClient(t.Context(), &cip.CreateUserPoolClientInput{UserPoolId: aws.String(poolID),
			ClientName: aws.String(fmt.Sprint("app", i)), WriteAttributes: writes, ReadAttributes: []string{"email"}})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, *out.UserPoolClient.ClientId)
	}
	var log lockedLog
	pool, err := cognito.Open(t.Context(), cognito.Config{PoolID: poolID, Endpoint: "http://127.0.0.1:1", Quotas: &cognito.Quotas{},
		Logger: slog.New(slog.NewTextHandler(&log, nil)),
		Transport: &meanwhile{inProcess: inProcess{r.emulator}, operation: "DescribeUserPoolClient", do: func() {
			for _, id := range ids[49:51] { // of which the second writes ours
				if _, err := client.DeleteUserPoolClient(t.Context(), &cip.DeleteUserPoolClientInput{UserPoolId: aws.String(poolID), ClientId: &id}); err != nil {
					t.Error(err)
				}
			}
		}}})
	if err != nil {
		t.Fatal(err)
	}
	d, err := bridge.OpenDirectory(t.Context(), bridge.DirectoryConfig{Pool: pool, Store: r.store, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	err = d.CheckClients(t.Context())
	if err == nil || !strings.Contains(err.Error(), "through 2 app client(s)") || !strings.Contains(err.Error(), ids[0]) || !strings.Contains(err.Error(), ids[100]) {
		t.Errorf("got %v, want %s and %s named", err, ids[0], ids[100])
	}
	if log.String() != "" || len(pool.Troubles()) > 0 {
		t.Errorf("log %q, troubles %v; want none", &log, pool.Troubles())
	}
}
