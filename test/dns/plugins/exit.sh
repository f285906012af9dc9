#!/bin/sh
# Ends with the exit code that stdin holds, or by the signal that stdin names.
read -r wish
echo 'first line: the provider said no' >&2
echo 'second line: details' >&2
case $wish in
  [0-9]*) exit "$wish" ;;
  *) kill -s "$wish" $$ ;;
esac
