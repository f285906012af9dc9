//go:build tools

// Package tools pins the Temporal CLI that the local servers build where its wheel is not to be had.
package tools

import _ "github.com/temporalio/cli/cmd/temporal"
