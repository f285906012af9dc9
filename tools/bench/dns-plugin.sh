#!/bin/bash
# The exec plugin of the bench: as little as a plugin can be, so that the figures are those of certloom and not of an
# interpreter that starts anew for every call (Node alone takes 40 ms of CPU). It speaks the management API of the local
# name servers; examples/plugins/fixture-dns.mjs does the same with all the care that a real one needs.
IFS= read -r -d '' config
[[ $config =~ \"url\":\"http://([^:/\"]+):([0-9]+) ]] || { echo 'the configuration needs "url": http://host:port' >&2; exit 2; }
case $COMMAND in
CREATE) path=/set-txt body="{\"host\":\"$FQDN\",\"value\":\"$TOKEN\"}" ;;
DELETE) path=/clear-txt body="{\"host\":\"$FQDN\"}" ;;
*) exit 1 ;;
esac
exec 3<>"/dev/tcp/${BASH_REMATCH[1]}/${BASH_REMATCH[2]}" || exit 1
printf 'POST %s HTTP/1.1\r\nHost: dns\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s' \
  "$path" "${#body}" "$body" >&3
read -r _ status _ <&3
[[ $status == 2* ]] || { echo "$path: the name server answered $status" >&2; exit 1; }
