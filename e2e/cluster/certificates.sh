# shellcheck shell=bash
# The cluster's certificates and kubeconfigs: one authority, EC keys, a month. Sourced, never run.

make_certificates() (
  cd "$STATE/pki" || exit
  make_key ca.key
  openssl req -x509 -new -key ca.key -subj "/CN=$NAME-ca" -days 30 -out ca.crt
  make_key service-accounts.key
  openssl ec -in service-accounts.key -pubout -out service-accounts.pub 2>/dev/null

  make_certificate apiserver /CN=kube-apiserver \
    "subjectAltName=DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,IP:127.0.0.1,IP:$API_SERVER,IP:$SERVICE_NET.0.1"
  make_certificate kubelet-client /O=system:masters/CN=kube-apiserver-kubelet-client
  make_certificate admin /O=system:masters/CN=admin
  make_certificate controller-manager /CN=system:kube-controller-manager
  make_certificate scheduler /CN=system:kube-scheduler
  make_certificate proxy /CN=system:kube-proxy
  chmod 600 ./*.key

  local user
  for user in admin controller-manager scheduler proxy; do
    write_kubeconfig "$user" "$STATE/conf/$user.kubeconfig"
  done
  ln -s conf/admin.kubeconfig "$STATE/kubeconfig"
)

make_node_certificate() (
  cd "$STATE/pki" || exit
  make_certificate "$NODE" "/O=system:nodes/CN=system:node:$NODE" "subjectAltName=DNS:$NODE,IP:$NET.2"
  chmod 600 "$NODE.key"
  write_kubeconfig "$NODE" "$NODE_STATE/conf/kubelet.kubeconfig"
)

make_key() { # file
  openssl ecparam -name prime256v1 -genkey -noout -out "$1"
}

make_certificate() { # name, subject, extension
  make_key "$1.key"
  openssl req -new -key "$1.key" -subj "$2" -out "$1.csr"
  printf '%s\n' keyUsage=critical,digitalSignature extendedKeyUsage=clientAuth,serverAuth \
    basicConstraints=critical,CA:FALSE "${3:-}" >"$1.ext"
  openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 -extfile "$1.ext" -out "$1.crt" 2>/dev/null
}

write_kubeconfig() { # certificate, file
  (
    umask 077
    cat >"$2" <<K
apiVersion: v1
kind: Config
clusters:
  - name: e2e
    cluster:
      server: https://$API_SERVER:$API_PORT
      certificate-authority-data: $(base64 -w0 ca.crt)
users:
  - name: $1
    user:
      client-certificate-data: $(base64 -w0 "$1.crt")
      client-key-data: $(base64 -w0 "$1.key")
contexts:
  - name: e2e
    context: {cluster: e2e, user: $1}
current-context: e2e
K
  )
}
