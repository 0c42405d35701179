package cognito

import (
	"errors"
	"fmt"
)

// advise turns the failure of a pool's first call into a sentence for the operator
// that says what to do, with the cause behind it.
func advise(cfg Config, err error) error {
	where := "region " + cfg.Region
	if cfg.Endpoint != "" {
		where = cfg.Endpoint
	}
	pool := fmt.Sprintf("user pool %s in %s", cfg.PoolID, where)
	var e *Error
	if !errors.As(err, &e) {
		return fmt.Errorf("the %s cannot be described: %w", pool, err)
	}
	switch e.Kind {
	case PoolNotFound:
		return fmt.Errorf("there is no %s: check the pool's id, the region and the AWS account (%w)", pool, err)
	case Denied:
		return fmt.Errorf("the %s may not be described: %s (%w)", pool, e.Remedy(), err)
	case Unavailable:
		return fmt.Errorf("the %s cannot be reached: check the network, its proxy and the endpoint (%w)", pool, err)
	case Throttled:
		return fmt.Errorf("the %s was asked too often by this AWS account: start again in a moment (%w)", pool, err)
	}
	return fmt.Errorf("the %s cannot be described (%w)", pool, err)
}
