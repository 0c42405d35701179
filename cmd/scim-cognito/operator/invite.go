package operator

import (
	"errors"
	"net/http"

	"github.com/scim-cognito/scim-cognito/bridge"
	"github.com/scim-cognito/scim-cognito/cognito"
	"github.com/scim-cognito/scim-cognito/store"
)

// couriers are what "by" may say.
var couriers = map[string]cognito.Courier{"email": cognito.ByEmail, "sms": cognito.BySMS}

// invite sends a user another invitation. Ids tell nothing of their pool, so that each is asked until one has the user.
func (o operator) invite(r *http.Request) (int, any, error) {
	asked, err := readBody(r, "user", "by", "pool")
	if err != nil {
		return 0, nil, err
	}
	id, by := asked["user"], couriers[asked["by"]]
	switch {
	case id == "":
		return 0, nil, refuse(http.StatusBadRequest, `"user" is missing; it is the SCIM id`)
	case by == "":
		return 0, nil, refuse(http.StatusBadRequest, `"by" must be email or sms`)
	}
	directories, err := o.named(asked["pool"])
	if err != nil {
		return 0, nil, err
	}
	for _, d := range directories {
		err := d.Invite(r.Context(), id, by)
		if theirs, ok := errors.AsType[*bridge.Error](err); ok && theirs.Kind == bridge.NotFound {
			continue
		}
		if err != nil {
			return 0, nil, err
		}
		record := store.Activity{Method: "invite", Kind: store.User, ID: id, Outcome: "sent by " + asked["by"] + ", by the operator"}
		if err := o.Activity.Record(r.Context(), record); err != nil {
			o.Logger.ErrorContext(r.Context(), "recording activity", "error", err) // what was asked is done all the same
		}
		return http.StatusOK, inviteAnswer{Pool: d.PoolID(), User: id}, nil
	}
	return 0, nil, refuse(http.StatusNotFound, "there is no user with the id %q in %s", id, poolsOf(directories))
}
