metadata description = 'Device Provisioning Service: where a new device asks for its IoT Hub. It signs in to the hub with its identity.'

param name string
param location string

@description('Name of the identity that creates devices in the hub.')
param identityName string

param hubHost string

@description('Who removes registrations of devices that leave: names of identities of this resource group.')
param access string[]

@description('Id of the role that may do so and nothing else.')
param removerRole string

param lock bool
param workspaceId string

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' existing = { name: identityName }

// The first version that links a hub by identity and turns shared keys off; older ones want a key of the hub.
resource service 'Microsoft.Devices/provisioningServices@2026-06-01-preview' = {
  name: name
  location: location
  sku: { name: 'S1', capacity: 1 }
  identity: { type: 'UserAssigned', userAssignedIdentities: { '${identity.id}': {} } }
  properties: {
    disableLocalAuth: true
    allocationPolicy: 'Static'
    iotHubs: [
      {
        hostName: hubHost
        location: location
        authenticationType: 'UserAssigned'
        selectedUserAssignedIdentityResourceId: identity.id
        applyAllocationPolicy: true
        allocationWeight: 1
      }
    ]
  }
}

resource identities 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' existing = [for name in access: { name: name }]

resource mayUse 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (name, i) in access: {
    scope: service
    name: guid(service.id, name, removerRole)
    properties: {
      principalId: identities[i].properties.principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', removerRole)
    }
  }
]

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: service
  name: 'workspace'
  properties: {
    workspaceId: workspaceId
    logs: map(['DeviceOperations', 'ServiceOperations'], category => { category: category, enabled: true })
    metrics: [{ category: 'AllMetrics', enabled: true }]
  }
}

resource keep 'Microsoft.Authorization/locks@2020-05-01' = if (lock) {
  scope: service
  name: 'data'
  properties: { level: 'CanNotDelete', notes: 'Holds the enrollment group whose key every device\'s key comes from.' }
}
