# Process 1 of new namespaces (see run-confined.ts). Makes a root of its own in memory, with the programs that are needed, read-only, a copy of the source, and nothing else of this machine: no home,
# no data folder, no socket, no device. Gives up every privilege, runs the command there, ends what that left running, and answers the one file in /job/out on standard output. What the command
# prints goes to standard error. Any step that the kernel does not allow ends it before the command runs.
# Arguments: ROOT SIZE SOURCE PROVIDED READABLE... -- COMMAND [ARGUMENT...]. PROVIDED is a folder that it sees as /job/provided; empty for none.
set -eu
umask 022
root=$1 size=$2 source=$3 provided=$4
shift 4
mount --make-rprivate /
mount -t tmpfs -o "nosuid,nodev,mode=0755,size=$size,nr_inodes=500k" assay "$root"
mkdir -p "$root/dev" "$root/proc" "$root/tmp" "$root/job/home" "$root/job/out" "$root/etc"
echo "root:x:0:0::/job/home:/bin/sh" >"$root/etc/passwd"
echo "root:x:0:" >"$root/etc/group"

# Shows a file or folder at its own path. One that is not there is left out, and a file that can be seen already. Folders come first: what is mounted below one that comes later would be hidden.
show() {
  mkdir -p "$root${1%/*}"
  if [ -L "$1" ]; then
    [ -L "$root$1" ] || [ -e "$root$1" ] || cp -P "$1" "$root$1"
  elif [ -d "$1" ]; then
    mkdir -p "$root$1"
    mount --rbind "$1" "$root$1"
  elif [ -e "$1" ] && [ ! -e "$root$1" ]; then
    : >"$root$1"
    mount --bind "$1" "$root$1"
  fi
}
for path in /usr /bin /sbin /lib /lib32 /lib64 /etc/alternatives /etc/ld.so.cache /dev/null /dev/zero /dev/full /dev/random /dev/urandom; do
  show "$path"
done
while [ "$1" != -- ]; do
  show "$1"
  shift
done
shift
# The folder of ours that the root is in must not be among them.
if [ -e "$root$root" ]; then
  echo "the data folder is among the programs that it would see" >&2
  exit 1
fi
if [ -n "$provided" ]; then
  mkdir "$root/job/provided"
  mount --rbind "$provided" "$root/job/provided"
fi
cp -dR --preserve=mode,timestamps,links "$source" "$root/job/source"
# Writable, it would let root turn the kernel's own knobs. Some containers allow no new one: then there is none.
mount -t proc -o ro,nosuid,nodev,noexec proc "$root/proc" 2>/dev/null || :
cd "$root"
mkdir old
pivot_root . old
# The kernel lets nobody drop the options that a mount of another user's namespace has, so they are repeated. The only one that stays writable is the root, which is ours.
while read -r _ _ _ _ point options _; do
  case $point in
    / | /old | /old/* | /proc) ;;
    *) mount -o "remount,bind,$options,ro" "$point" ;;
  esac
done </old/proc/self/mountinfo
umount -l /old
rmdir /old
cd /job/source
prlimit --core=0 --nproc=1024 --nofile=4096 --data=4294967296 \
  setpriv --no-new-privs --bounding-set=-all --inh-caps=-all --ambient-caps=-all -- "$@" </dev/null >&2
kill -KILL -1 2>/dev/null || :
set -- /job/out/*
if [ $# != 1 ] || [ ! -f "$1" ] || [ -L "$1" ]; then
  echo "it did not leave exactly one file" >&2
  exit 1
fi
cat "$1"
