package bridge_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"github.com/scim-cognito/scim-cognito/bridge"
)

// TestPoliciesOnMoto: passwords that are made here, and a deletion that keeps the user, where somebody else has written the
// pool. Moto takes passwords of 98 characters at most.
func TestPoliciesOnMoto(t *testing.T) {
	e := onMoto(t)
	d := e.open(t, e.newPool(t, cip.CreateUserPoolInput{}), false, bridge.ConnectionConfig{Passwords: bridge.RandomPasswords, Deletion: bridge.DisableUsers})
	d.appClient()
	ada := d.create("ada", "ada@example.com")
	if got := d.status("ada"); got != "CONFIRMED, enabled" {
		t.Errorf("created: got %s, want a permanent password", got)
	}
	d.setPassword("ada")
	session := d.session("ada")
	if err := d.DeleteUser(t.Context(), ada.ID); err != nil {
		t.Fatal(err)
	}
	if got := d.lasts(session); d.status("ada") != "CONFIRMED, disabled" || d.signsIn("ada", ada.ID) || got != "sessions end" {
		t.Errorf("deleted: got %s, %s, want a user who is kept and out", d.status("ada"), got)
	}
	again, err := d.CreateUser(t.Context(), somebody("ada", "ada@example.com"))
	if err != nil || again.ID != ada.ID {
		t.Fatalf("created again: got %s, %v, want the id of before, %s", again.ID, err, ada.ID)
	}
	if d.status("ada") != "CONFIRMED, enabled" || d.signsIn("ada", ada.ID) {
		t.Errorf("created again: got %s, want another password", d.status("ada"))
	}
}

// status is a user's in the pool, and whether it is enabled.
func (d *desk) status(username string) string {
	d.t.Helper()
	out, err := d.aws.AdminGetUser(d.t.Context(), &cip.AdminGetUserInput{UserPoolId: &d.poolID, Username: aws.String(username)})
	if err != nil {
		d.t.Fatalf("AdminGetUser(%s): %v", username, err)
	}
	if !out.Enabled {
		return string(out.UserStatus) + ", disabled"
	}
	return string(out.UserStatus) + ", enabled"
}
