#!/bin/sh
# Fails without a word and without reading stdin.
exit 3
