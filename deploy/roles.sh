#!/usr/bin/env bash
# The roles of a city apart, on the log that ZHOLDARY_ENGINE names: intake, routing, delivery, and views with pages, each as a process
# of its own (COPIES=2: two of each), below DIR. Delivery sends by the tokens in the environment (ZHOLDARY_WHATSAPP_TOKEN, …), without
# one it waits. For trials on one machine, where everybody may do everything; deploy/nats/production.conf says how roles are kept apart.
#
#     ZHOLDARY_ENGINE=nats://127.0.0.1:4222 deploy/roles.sh DIR
#
# ZHOLDARY names the binary, PORT the first port (default 8080), REPLICAS how many servers keep the log (default 1).
set -euo pipefail

dir=${1:?name a folder for the state}
zholdary=${ZHOLDARY:-$(dirname "${BASH_SOURCE[0]}")/../target/release/zholdary}
copies=${COPIES:-1}
: "${ZHOLDARY_ENGINE:?name the servers: nats://HOST:PORT}"
export ZHOLDARY_ENGINE

mkdir -p "$dir"
"$zholdary" log init --replicas "${REPLICAS:-1}"
# The first command with an id.key binds it to the log; whoever takes messages in, or sends them, needs the same.
"$zholdary" city publish "$(dirname "${BASH_SOURCE[0]}")/cities/almaty" --data "$dir/operator"

pids=()
trap 'trap - EXIT; kill "${pids[@]}" 2>/dev/null; wait' EXIT
port=${PORT:-8080}
start() { # NAME ROLE...
    local name=$1
    shift
    mkdir -p "$dir/$name"
    if [[ "$*" != routing && ! -e "$dir/$name/id.key" ]]; then
        cp "$dir/operator/id.key" "$dir/$name/"
    fi
    "$zholdary" serve "$@" --data "$dir/$name" --listen "127.0.0.1:$port" --log-filter warn &
    pids+=($!)
    port=$((port + 1))
}
for copy in $(seq "$copies"); do
    start "pages-$copy" views http
    start "intake-$copy" intake
    start "routing-$copy" routing
    start "delivery-$copy" delivery
done
echo "an operator's token: $zholdary token create --role operator --data $dir/operator --log $ZHOLDARY_ENGINE"
if [[ "$copies" == 1 ]]; then
    # One of a kind: whoever ends ends them all.
    wait -n "${pids[@]}"
else
    # Any one may die: the others go on.
    wait "${pids[@]}" || true
fi
