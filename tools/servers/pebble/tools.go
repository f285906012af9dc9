//go:build tools

// Package tools pins the ACME server that the local servers build.
package tools

import (
	_ "github.com/letsencrypt/pebble/v2/cmd/pebble"
)
