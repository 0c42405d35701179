package operator

import (
	"net/http"
	"strconv"

	"github.com/scim-cognito/scim-cognito/store"
)

// maxRecords bounds one answer of the activity; before asks for older ones.
const maxRecords = 1000

// activity lists what was asked and done, newest first.
func (o operator) activity(r *http.Request) (int, any, error) {
	asked, err := readQuery(r, "request", "id", "connection", "before", "limit")
	if err != nil {
		return 0, nil, err
	}
	q := store.ActivityQuery{RequestID: asked["request"], ID: asked["id"], Connection: asked["connection"], Limit: 100}
	if text, there := asked["limit"]; there {
		if q.Limit, err = strconv.Atoi(text); err != nil || q.Limit < 1 || q.Limit > maxRecords {
			return 0, nil, refuse(http.StatusBadRequest, "limit is %q; it must be a number from 1 to %d", text, maxRecords)
		}
	}
	if text, there := asked["before"]; there {
		if q.Before, err = strconv.ParseInt(text, 10, 64); err != nil || q.Before < 1 {
			return 0, nil, refuse(http.StatusBadRequest, "before is %q; it must be the seq of a record", text)
		}
	}
	records, err := o.Activity.Activities(r.Context(), q)
	if err != nil {
		return 0, nil, err
	}
	answer := activityAnswer{Activity: make([]Record, len(records))}
	for i, a := range records {
		answer.Activity[i] = Record{
			Seq: a.Seq, At: a.At.UTC(), Request: a.RequestID, Connection: a.Connection, Method: a.Method, ID: a.ID,
			Plan: a.Plan, Outcome: a.Outcome, Notes: a.Notes,
		}
		if a.Kind != 0 {
			answer.Activity[i].Kind = a.Kind.String()
		}
	}
	return http.StatusOK, answer, nil
}
