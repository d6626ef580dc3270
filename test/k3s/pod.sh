#!/bin/sh
# pod.sh IMAGE CONFIG DATA TMP NODE UID GID [NAME=VALUE]… PROGRAM [ARGUMENT]… - within new mount and pid namespaces, as root: mounts
# what a container has, makes the root read-only, and becomes PROGRAM as that user.
set -eu
image=$1 config=$2 data=$3 tmp=$4 node=$5 uid=$6 gid=$7
shift 7

mount --make-rprivate /
mount --bind "$image" "$image"
# Mount points, as a container engine makes them.
for folder in usr etc/vigil var/lib/vigil tmp proc dev opt/node; do mkdir -p "$image/$folder"; done
for name in bin lib lib64; do
  if [ -L "/$name" ]; then
    [ -L "$image/$name" ] || cp -P "/$name" "$image/$name"
  elif [ -d "/$name" ]; then
    mkdir -p "$image/$name"
    mount --bind "/$name" "$image/$name"
  fi
done
mount --bind /usr "$image/usr"
mount --bind "$node" "$image/opt/node"
mount --bind "$config" "$image/etc/vigil"
for folder in "$image" "$image/usr" "$image/opt/node" "$image/etc/vigil"; do mount -o remount,bind,ro "$folder"; done
mount --bind "$data" "$image/var/lib/vigil"
mount --bind "$tmp" "$image/tmp"
mount --rbind /dev "$image/dev"
mount -t proc proc "$image/proc"

for folder in opt/vigil etc/vigil usr; do
  if touch "$image/$folder/written" 2>/dev/null; then
    echo "container: /$folder can be written" >&2
    exit 1
  fi
done
echo 'container: starting'
# No variable of the machine's gets in: HOME is not set either.
exec chroot "$image" setpriv --reuid="$uid" --regid="$gid" --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all \
  env -i PATH=/opt/node:/usr/bin:/bin "$@"
