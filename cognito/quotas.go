package cognito

// Quotas are request rates, each in requests a second. In every field zero, or a
// category that is missing, means no limit: Quotas{} turns pacing off.
type Quotas struct {
	// Category: of one account and region, over all its pools.
	Category map[Category]float64
	// Operation: of one operation on one pool, for the operations on groups and
	// on the pool's resources.
	Operation float64
	// User: of writes to one user, and again of reads of one user.
	User float64
}

// AWSQuotas are the defaults of a new AWS account ("Quotas in Amazon Cognito").
// UserCreation, UserRead and UserResourceRead can be raised on request; the
// others cannot.
func AWSQuotas() Quotas {
	return Quotas{
		Category: map[Category]float64{
			UserCreation:           50,
			UserRead:               120,
			UserUpdate:             25,
			UserList:               30,
			UserResourceRead:       50,
			UserAccountRecovery:    30,
			UserPoolRead:           15,
			UserPoolResourceRead:   20,
			UserPoolResourceUpdate: 15,
			UserPoolClientRead:     15,
		},
		Operation: 5,
		User:      10,
	}
}
