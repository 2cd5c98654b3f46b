# shellcheck shell=bash disable=SC2034
# What the scripts of the cluster have to agree on. Sourced, never run.

# Of control groups, and part of the name of the machine's end of the cable to the node.
NAME=vmcp
VETH=ve-$NAME
NODE=node1
# The machine is .1 of this network and the node .2.
NET=10.250.0
POD_NET=10.244.0
SERVICE_NET=10.96
API_PORT=26443
ETCD_PORT=22379
# A file in $STATE that says that the folder is ours to remove.
MARK=.vmcheckpoint-cluster
