//go:build tools

// Package tools pins the etcd server that the local servers build.
package tools

import _ "go.etcd.io/etcd/server/v3"
