# shellcheck shell=bash
# etcd, API server, controller manager and scheduler, all with one replica. Sourced by node, never run.
# shellcheck disable=SC2154
pki=$STATE/pki conf=$STATE/conf

keep_api_server() {
  keep etcd etcd --data-dir "$STATE/etcd" --unsafe-no-fsync \
    --listen-client-urls "http://127.0.0.1:$ETCD_PORT" --advertise-client-urls "http://127.0.0.1:$ETCD_PORT" \
    --listen-peer-urls "http://127.0.0.1:$((ETCD_PORT + 1))" --initial-advertise-peer-urls "http://127.0.0.1:$((ETCD_PORT + 1))" \
    --initial-cluster "default=http://127.0.0.1:$((ETCD_PORT + 1))"

  keep apiserver kube-apiserver --etcd-servers="http://127.0.0.1:$ETCD_PORT" \
    --bind-address=0.0.0.0 --secure-port="$API_PORT" --advertise-address="$API_SERVER" --cert-dir="$pki" \
    --tls-cert-file="$pki/apiserver.crt" --tls-private-key-file="$pki/apiserver.key" --client-ca-file="$pki/ca.crt" \
    --kubelet-certificate-authority="$pki/ca.crt" \
    --kubelet-client-certificate="$pki/kubelet-client.crt" --kubelet-client-key="$pki/kubelet-client.key" \
    --kubelet-preferred-address-types=InternalIP \
    --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction --allow-privileged=true \
    --service-account-issuer=https://kubernetes.default.svc \
    --service-account-key-file="$pki/service-accounts.pub" --service-account-signing-key-file="$pki/service-accounts.key" \
    --service-cluster-ip-range="$SERVICE_NET.0.0/16"
}

keep_controllers() {
  local arguments
  until_so kubectl --kubeconfig "$conf/admin.kubeconfig" get --raw /readyz
  mapfile -t arguments < <(controller "$conf/controller-manager.kubeconfig")
  # The default rate makes service accounts seconds after their namespace.
  keep controller-manager kube-controller-manager "${arguments[@]}" --kube-api-qps=200 --kube-api-burst=400 \
    --use-service-account-credentials --root-ca-file="$pki/ca.crt" --service-account-private-key-file="$pki/service-accounts.key" \
    --cluster-signing-cert-file="$pki/ca.crt" --cluster-signing-key-file="$pki/ca.key"
  mapfile -t arguments < <(controller "$conf/scheduler.kubeconfig")
  keep scheduler kube-scheduler "${arguments[@]}"
}

controller() { # kubeconfig
  printf -- '--%s=%s\n' kubeconfig "$1" authentication-kubeconfig "$1" authorization-kubeconfig "$1" \
    bind-address 127.0.0.1 leader-elect false cert-dir "$pki"
}
