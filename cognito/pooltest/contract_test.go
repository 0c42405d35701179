package pooltest_test

import (
	"flag"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/cognito/emulator"
	"github.com/scim-cognito/scim-cognito/cognito/pooltest"
)

var live = flag.String("live", "", "id of an Amazon Cognito user pool, for tests only, to hold to the contract, too; it needs the attribute "+pooltest.Attribute)

// TestContract holds every endpoint there is to the contract.
func TestContract(t *testing.T) {
	var reports []pooltest.Report
	type target struct {
		name string
		make func(*testing.T) pooltest.Target
	}
	targets := []target{
		{"emulator", func(t *testing.T) pooltest.Target { return embedded(t, emulator.Config{Seed: 1}) }},
		{"lagging emulator", lagging},
		{"moto", moto},
		{"cognito-local", cognitoLocal},
	}
	if *live != "" {
		targets = append(targets, target{"live", onAWS})
	}
	for _, target := range targets {
		t.Run(target.name, func(t *testing.T) {
			reports = append(reports, pooltest.Run(t, target.make(t)))
		})
	}
	t.Log(pooltest.Table(reports...))
}

// embedded is our own emulator, which must not deviate.
func embedded(t *testing.T, cfg emulator.Config) pooltest.Target {
	t.Helper()
	const id = "us-east-1_contract"
	e := emulator.New(cfg)
	err := e.CreatePool(emulator.PoolConfig{
		ID: id, CustomAttributes: []emulator.CustomAttribute{{Name: strings.TrimPrefix(pooltest.Attribute, "custom:")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	return pooltest.Target{Name: "emulator", Config: config(server.URL, id)}
}

// lagging is our emulator at its least helpful: lists and searches see writes late,
// and pages are short, the first one empty.
func lagging(t *testing.T) pooltest.Target {
	target := embedded(t, emulator.Config{Seed: 1, Lag: 100 * time.Millisecond, SparsePages: true})
	target.Name, target.Lag = "lagging emulator", 10*time.Second
	return target
}

// config is for an emulator: nothing is paced, and little is waited for.
func config(endpoint, id string) cognito.Config {
	return cognito.Config{
		PoolID: id, Endpoint: endpoint, Credentials: madeUp, Quotas: &cognito.Quotas{}, MaxBackoff: 10 * time.Millisecond,
	}
}

var madeUp = credentials.NewStaticCredentialsProvider("test", "test", "")

// createPool makes a pool over the wire, for an emulator that has none.
func createPool(t *testing.T, endpoint string) (id string) {
	t.Helper()
	client := cip.New(cip.Options{Region: "us-east-1", Credentials: madeUp, BaseEndpoint: &endpoint})
	out, err := client.CreateUserPool(t.Context(), &cip.CreateUserPoolInput{PoolName: aws.String("contract")})
	if err != nil {
		t.Fatalf("creating a pool: %v", err)
	}
	id = *out.UserPool.Id
	pool, err := cognito.Open(t.Context(), config(endpoint, id))
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if err := pool.AddCustomAttributes(t.Context(), strings.TrimPrefix(pooltest.Attribute, "custom:")); err != nil {
		t.Fatalf("adding %s: %v", pooltest.Attribute, err)
	}
	return id
}

func moto(t *testing.T) pooltest.Target {
	endpoint := pooltest.Moto(t)
	return pooltest.Target{Name: "moto", Config: config(endpoint, createPool(t, endpoint)), Deviations: motoDeviations}
}

func cognitoLocal(t *testing.T) pooltest.Target {
	endpoint := pooltest.CognitoLocal(t)
	return pooltest.Target{Name: "cognito-local", Config: config(endpoint, createPool(t, endpoint)), Deviations: cognitoLocalDeviations}
}

// onAWS is the real pool that -live names, with real quotas and credentials.
func onAWS(*testing.T) pooltest.Target {
	return pooltest.Target{Name: "live", Config: cognito.Config{PoolID: *live}, Lag: 30 * time.Second, LeftOut: liveLeftOut}
}
