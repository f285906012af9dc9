// A DNS-01 exec plugin whose provider no longer accepts the configured token: what the failing picture shows.
process.stderr.write('the provider answered 401 Unauthorized: the API token has expired\n')
process.exit(1)
