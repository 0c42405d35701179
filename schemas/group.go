package schemas

// MaxDescription is the largest group Description that Cognito keeps, in characters; we count bytes, which are no fewer.
const MaxDescription = 2048

// PoolGroup is a group as the pool holds it.
type PoolGroup struct {
	Name        string
	Description string
}

// Keys of the JSON in a managed group's Description. The id is also the marker.
const (
	keyGroupID     = "scim"
	keyDisplayName = "displayName"
	keyExternalID  = "externalId"
)

// GroupToCognito returns the Description that makes a group managed: its id, which never changes, its exact displayName
// and its externalId. What does not fit is a scim.ScimError.
func GroupToCognito(r Resource) (string, error) {
	if n := len(r.String("displayName")) + len(r.String("externalId")); n > MaxDescription {
		return "", tooLong(n)
	}
	object := map[string]any{keyGroupID: r.String("id"), keyDisplayName: r.String("displayName")}
	if externalID := r.String("externalId"); externalID != "" {
		object[keyExternalID] = externalID
	}
	text := compact(object)
	if len(text) > MaxDescription {
		return "", tooLong(len(text))
	}
	return text, nil
}

func tooLong(n int) error {
	return invalidValue("displayName and externalId are too long: they take %d bytes, and Cognito keeps %d of them and their frame with a group", n, MaxDescription)
}

// GroupFromCognito returns the group in SCIM form, and whether it carries our marker. The id of a group that does not is
// made by unmanagedID from its name.
func GroupFromCognito(g PoolGroup, unmanagedID func(name string) string) (r Resource, managed bool) {
	object, _ := decodeObject(g.Description)
	id, _ := object[keyGroupID].(string)
	display, _ := object[keyDisplayName].(string)
	if id == "" || display == "" {
		return Resource{"id": unmanagedID(g.Name), "displayName": g.Name}, false
	}
	r = Resource{"id": id, "displayName": display}
	if externalID, ok := object[keyExternalID].(string); ok {
		r["externalId"] = externalID
	}
	return r, true
}
