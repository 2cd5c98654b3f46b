# shellcheck shell=bash disable=SC2034
# What the scripts of the cluster have to agree on. Sourced, never run.

# Of control groups, and part of the names of the machine's ends of the cables to the nodes.
NAME=vmcp
SERVICE_NET=10.96
# The first node's, which has the control plane.
API_SERVER=10.250.0.2
API_PORT=26443
ETCD_PORT=22379
# A file in $STATE that says that the folder is ours to remove.
MARK=.vmcheckpoint-cluster

# What is a node's own.
use_node() { # number, from 1
  NODE=node$1
  NODE_STATE=$STATE/$NODE
  CGROUP=$NAME-$NODE
  VETH=ve-$NAME-$1
  # The machine is .1 of this network and the node .2.
  NET=10.250.$(($1 - 1))
  POD_NET=10.244.$(($1 - 1))
}
