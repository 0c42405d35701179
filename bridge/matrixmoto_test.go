package bridge_test

import (
	"net/http"
	"os"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"github.com/scim-cognito/scim-cognito/cognito/pooltest"
)

// motoFinds is how moto's answers differ from docs/cognito.md when somebody is looked for: it compares addresses by case.
// All other cells are as on the emulator.
var motoFinds = map[string]string{
	"Plain usernames": "by userName, e-mail",
	"E-mail as username; userName is an e-mail address":              "by userName, e-mail",
	"E-mail as username; userName is none":                           "by e-mail; by userName once the mirror is complete",
	"E-mail or phone number as username; userName is a phone number": "by userName, e-mail",
	"Phone number as username":                                       "by userName, e-mail",
}

// TestMatrixOnMoto holds moto against the rows of docs/cognito.md that it can live through: its pools are case-sensitive
// whatever is asked for, and find nobody by an alias. (cognito-local has no AdminUserGlobalSignOut, which every
// deactivation makes.)
func TestMatrixOnMoto(t *testing.T) {
	document, err := os.ReadFile(matrixFile)
	if err != nil {
		t.Fatal(err)
	}
	told := readMatrix(t, string(document))
	e := onMoto(t)
	for _, r := range matrixRows {
		if len(r.pool.AliasAttributes) > 0 {
			continue
		}
		t.Run(r.name, func(t *testing.T) {
			cells := r.live(t, e, true)
			for _, cell := range matrixCells {
				want := told[place{r.name, cell, true}]
				if cell == "find" {
					want = motoFinds[r.name]
				}
				if cells[cell] != want {
					t.Errorf("%s: got %q, want %q", cell, cells[cell], want)
				}
			}
		})
	}
}

func onMoto(t *testing.T) endpoint {
	url := pooltest.Moto(t)
	return endpoint{url: url, wire: &http.Transport{}, aws: cip.New(cip.Options{Region: "us-east-1", BaseEndpoint: &url,
		Credentials: credentials.NewStaticCredentialsProvider("any", "any", "")})}
}
