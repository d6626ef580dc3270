#!/bin/sh
# install-pipeline.sh URL CURL_CONFIG - puts the ingest pipeline and the index templates for EJBCA's logs into Elasticsearch.
# Run again after an update: it replaces them. Needs the rights manage_ingest_pipelines and manage_index_templates.
#
# CURL_CONFIG is a file (mode 0600, so that no secret stands in a command line) with what curl needs to get in:
#   cacert = "/etc/pki-vigil/elasticsearch-ca.pem"
#   cert = "/etc/pki-vigil/admin.pem"
#   key = "/etc/pki-vigil/admin.key"
#   user = "elastic:password"
set -eu

if [ $# -ne 2 ]; then
  sed -n 's/^# \{0,1\}//; 2,9p' "$0" >&2
  exit 2
fi
url=${1%/}
config=$2
here=$(dirname "$0")

put() {
  answer=$(curl -K "$config" --silent --show-error --fail-with-body -H 'content-type: application/json' \
    -X PUT "$url/$1" --data-binary "@$here/$2") || {
    # Of an error in the script it repeats all of it.
    printf '%s was not installed: %.600s\n' "$1" "$answer" >&2
    exit 1
  }
  echo "installed $1"
}

# The pipeline first: a template names it.
put _ingest/pipeline/ejbca ingest-pipeline.json
put _index_template/ejbca index-template.json
put _index_template/ejbca-incoming incoming-template.json
put _index_template/ejbca-rejected rejected-template.json

# Records that came before the pipeline was there have made this index. What comes from now on goes the right way.
if curl -K "$config" --silent --fail --head "$url/ejbca-incoming" >/dev/null; then
  curl -K "$config" --silent --show-error --fail -H 'content-type: application/json' \
    -X PUT "$url/ejbca-incoming/_settings" --data-binary '{ "index.default_pipeline": "ejbca" }' >/dev/null
  echo 'ejbca-incoming holds records that came before: docs/filebeat.md says how to bring them in' >&2
fi
