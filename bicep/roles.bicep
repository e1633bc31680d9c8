metadata description = 'The roles that this template assigns, and no others. bootstrap.bicep lets the deploying identity assign only these.'

@export()
@description('Ids of built-in roles. They are the same in every Azure tenant.')
var roles = {
  eventHubsReceiver: 'a638d3c7-ab3a-418d-83e6-5f17a39d4fde'
  eventHubsSender: '2b629674-e913-4c01-ae53-ef4638d8f975'
  serviceBusReceiver: '4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0'
  serviceBusSender: '69a216fc-b8fb-44d8-bc22-1f3c2cd27a39'
  blobOwner: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
  blobContributor: 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
  queueContributor: '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
  tableContributor: '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
  metricsPublisher: '3913510d-42f4-4e42-8a64-420c390055eb'
  iotHubData: '4fc6c259-987e-4a07-842e-c321cc9d413f'
  iotHubRegistry: '4ea46cd5-c1b2-4a8e-910b-273211f9ce47'
  iotHubTwins: '494bdba2-168f-4f31-a0a1-191d2f7c028c'
}

@export()
@description('The one role of our own, which bootstrap.bicep makes: it deletes registrations. The built-in role that may do so reads the key from which all devices have theirs.')
func registrationRemover(subscriptionId string, code string) string => guid(subscriptionId, code, 'registrations')
