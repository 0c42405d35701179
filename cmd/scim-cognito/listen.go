package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
)

// listen claims an address; flag is the one to name when it is taken.
func listen(address, flag string) (net.Listener, error) {
	listener, err := net.Listen("tcp", address)
	if malformed, is := errors.AsType[*net.AddrError](err); is {
		return nil, usageError{fmt.Errorf("%s: %q is not an address, such as 127.0.0.1:8080: %s", flag, address, malformed.Err)}
	}
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s is in use by another program; end that one, or give another address with %s", address, flag)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, fmt.Errorf("%s is no address of this machine; give another with %s", address, flag)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("%s may not be listened on by this user; give a port above 1023 with %s", address, flag)
	case err != nil:
		return nil, fmt.Errorf("listening on %s (%s): %w", address, flag, err)
	}
	return listener, nil
}

// reachable is the URL under which a listener answers on this machine: one for all addresses answers on loopback, too.
func reachable(address net.Addr) string {
	at, err := netip.ParseAddrPort(address.String())
	if err == nil && at.Addr().IsUnspecified() {
		return fmt.Sprintf("http://127.0.0.1:%d", at.Port())
	}
	return "http://" + address.String()
}
