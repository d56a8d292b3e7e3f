cd /tmp; pkill -9 remit; cp /host/remit /usr/local/bin/remit.new && mv /usr/local/bin/remit.new /usr/local/bin/remit
for a in /tmp/asu /tmp/ass "/tmp/ass systemd-run --user --scope -q -p Delegate=yes" ; do
echo "=========== $a"
$a remit doctor; echo rc=$?
timeout 20 $a remit run -- sh -c 'id; cat /proc/self/cgroup; head -3 /proc/self/mountinfo | wc -l'; echo rc=$?
$a sh -c 'mkdir -p ~/ws; time timeout 20 remit run --profile coding --workspace ~/ws -- sh -c "pwd; echo hi > f; ls -la"'; echo rc=$?
done
echo == root ws
mkdir -p /root/ws /srv/ws; chown tester /srv/ws
for w in /root/ws /srv/ws /home/tester/ws; do
timeout 20 remit run --profile coding --workspace $w -- sh -c "id; pwd; echo hi > g; ls -lan; cat /proc/self/cgroup"; echo rc=$?; ls -lan $w; done
ls -la /sys/fs/cgroup/remit
